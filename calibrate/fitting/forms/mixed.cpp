#include "sim/cost/forms/mixed.hpp"

#include <array>
#include <cmath>

#include "calibrate/fitting/forms/adapter.hpp"
#include "sim/cost/forms/attention_tiles.hpp"

namespace terrace::calibrate {
namespace {

struct MixedPoints {
  using Form = forms::Mixed;
  static constexpr std::string_view kFamily = "mixed_attention";
  static constexpr std::array kColumns = {
      Column{"num_heads"},     Column{"num_kv_heads"}, Column{"head_dim"}, Column{"prefill_chunk"},
      Column{"kv_prefill", 0}, Column{"prefill_ns"},   Column{"n_decode"}, Column{"kv_decode"}};
  static constexpr std::array<std::string_view, 2> kGroup = {"num_heads", "num_kv_heads"};
  static constexpr std::array<std::string_view, 2> kRegimes = {"to 16 decodes", "more decodes"};
  static constexpr std::string_view kOnly = "head_dim";

  static Form::Case case_of(const Row& row) {
    const double chunk = row.number("prefill_chunk");
    const double attended = row.number("kv_decode") + 1;  // its own token
    const double keys = std::ceil(attended / forms::kKeyBlock) * forms::kKeyBlock;
    return {row.count("num_heads"),
            row.count("num_kv_heads"),
            row.count("head_dim"),
            row.element_bytes(),
            row.count("n_decode"),
            row.number("n_decode") * keys,
            keys,
            chunk,
            row.number("num_heads") * std::ceil(chunk / Form::kRows),
            row.number("prefill_ns") * 1e-9};
  }
  static std::string_view left_out(const Row&, const Form::Case& x, const forms::Chip&) {
    return x.kv_heads > x.heads ? "more KV heads than heads" : "";
  }
  static std::size_t regime(const Row&, const Form::Case& x, const forms::Chip&) {
    return x.decodes <= 16 ? 0 : 1;
  }
  static Work work(const Form::Case& x) {
    // Whole blocks may be walked for one key of the last.
    const double keys = x.keys - static_cast<double>(x.decodes) * (forms::kKeyBlock - 1);
    const double per_key = static_cast<double>(x.kv_heads * x.head_dim) * x.kv_bytes_per_element;
    return {4 * keys * static_cast<double>(x.heads * x.head_dim), 2 * keys * per_key};
  }
};

}  // namespace

Adapter mixed() { return adapter_of<MixedPoints>(); }

}  // namespace terrace::calibrate
