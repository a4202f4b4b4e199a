#include "sim/cost/forms/decode.hpp"

#include <array>

#include "calibrate/fitting/forms/adapter.hpp"

namespace terrace::calibrate {
namespace {

struct DecodePoints {
  using Form = forms::Decode;
  static constexpr std::string_view kFamily = "decode_attention";
  static constexpr std::array kColumns = {Column{"num_heads"}, Column{"num_kv_heads"},
                                          Column{"head_dim"}, Column{"batch"}, Column{"kv_len"}};
  static constexpr std::array<std::string_view, 2> kGroup = {"num_heads", "num_kv_heads"};
  static constexpr std::array<std::string_view, 2> kRegimes = {"KV <= 1.3 L2", "KV > 1.3 L2"};
  static constexpr std::string_view kOnly = "head_dim";

  static Form::Case case_of(const Row& row) {
    const double kv_len = row.number("kv_len");
    return {row.count("batch"),
            row.number("batch") * kv_len,
            row.count("num_heads"),
            row.count("num_kv_heads"),
            row.count("head_dim"),
            row.element_bytes(),
            !row.cold(),
            kv_len};
  }
  static std::string_view left_out(const Row& row, const Form::Case& x, const forms::Chip&) {
    if (x.kv_heads > x.heads) return "more KV heads than heads";
    if (row.text("ragged") == "true") return "sequences of unequal lengths";
    return row.window() ? "a sliding window" : "";
  }
  static std::size_t regime(const Row&, const Form::Case& x, const forms::Chip& chip) {
    return work(x).bytes <= 1.3 * chip.l2_bytes ? 0 : 1;
  }
  static Work work(const Form::Case& x) {
    const double per_token = static_cast<double>(x.kv_heads * x.head_dim) * x.kv_bytes_per_element;
    return {4 * x.kv_tokens * static_cast<double>(x.heads * x.head_dim),
            2 * x.kv_tokens * per_token};
  }
};

}  // namespace

Adapter decode() { return adapter_of<DecodePoints>(); }

}  // namespace terrace::calibrate
