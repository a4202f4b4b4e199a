#include "sim/cost/forms/mla.hpp"

#include <array>

#include "calibrate/fitting/forms/adapter.hpp"
#include "sim/cost/forms/mla_decode.hpp"
#include "sim/cost/forms/mla_prefill.hpp"

namespace terrace::calibrate {
namespace {

struct MlaDecodePoints {
  using Form = forms::MlaDecode;
  static constexpr std::string_view kFamily = "mla_decode";
  static constexpr std::array kColumns = {Column{"num_heads"}, Column{"batch"}, Column{"kv_len"}};
  static constexpr std::array<std::string_view, 1> kGroup = {"num_heads"};
  static constexpr std::array<std::string_view, 2> kRegimes = {"KV in L2", "KV > 1.3 L2"};
  static constexpr std::string_view kOnly = "";

  static Form::Case case_of(const Row& row) {
    return {row.count("num_heads"), row.element_bytes(), row.count("batch"), row.number("kv_len"),
            !row.cold()};
  }
  static std::string_view left_out(const Row& row, const Form::Case&, const forms::Chip&) {
    return row.text("ragged") == "true" ? "sequences of unequal lengths" : "";
  }
  static std::size_t regime(const Row&, const Form::Case& x, const forms::Chip& chip) {
    return work(x).bytes <= 1.3 * chip.l2_bytes ? 0 : 1;
  }
  static Work work(const Form::Case& x) {
    const double keys = static_cast<double>(x.batch) * x.kv_len;
    return {2 * keys * static_cast<double>(x.heads) * (forms::kMlaRow + forms::kMlaLatent),
            keys * forms::kMlaRow * x.kv_bytes_per_element};
  }
};

struct MlaPrefillPoints {
  using Form = forms::MlaPrefill;
  static constexpr std::string_view kFamily = "mla_prefill";
  static constexpr std::array kColumns = {Column{"num_heads"}, Column{"batch"}, Column{"seq_len"}};
  static constexpr std::array<std::string_view, 1> kGroup = {"num_heads"};
  static constexpr std::array<std::string_view, 2> kRegimes = {"below 100 us", "from 100 us"};
  static constexpr std::string_view kOnly = "";

  static Form::Case case_of(const Row& row) {
    return {row.count("num_heads"), row.element_bytes(), row.count("batch"), row.number("seq_len"),
            row.prefix()};
  }
  static std::string_view left_out(const Row&, const Form::Case&, const forms::Chip&) { return {}; }
  static std::size_t regime(const Row& row, const Form::Case&, const forms::Chip&) {
    return row.seconds() < 100e-6 ? 0 : 1;
  }
  static Work work(const Form::Case& x) { return {Form::flops(x), 0}; }
};

}  // namespace

Adapter mla_decode() { return adapter_of<MlaDecodePoints>(); }
Adapter mla_prefill() { return adapter_of<MlaPrefillPoints>(); }

}  // namespace terrace::calibrate
