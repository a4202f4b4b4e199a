#include "sim/cost/forms/prefill.hpp"

#include <array>

#include "calibrate/fitting/forms/adapter.hpp"

namespace terrace::calibrate {
namespace {

struct PrefillPoints {
  using Form = forms::Prefill;
  static constexpr std::string_view kFamily = "prefill_attention";
  static constexpr std::array kColumns = {Column{"num_heads"}, Column{"num_kv_heads"},
                                          Column{"head_dim"}, Column{"batch"}, Column{"seq_len"}};
  static constexpr std::array<std::string_view, 2> kGroup = {"num_heads", "num_kv_heads"};
  static constexpr std::array<std::string_view, 2> kRegimes = {"below 100 us", "from 100 us"};
  static constexpr std::string_view kOnly = "head_dim";

  static Form::Case case_of(const Row& row) {
    return {row.count("num_heads"), row.count("num_kv_heads"), row.count("head_dim"),
            row.element_bytes(),    row.count("batch"),        row.number("seq_len"),
            row.prefix(),           row.window().value_or(0)};
  }
  static std::string_view left_out(const Row&, const Form::Case& x, const forms::Chip&) {
    return x.kv_heads > x.heads ? "more KV heads than heads" : "";
  }
  static std::size_t regime(const Row& row, const Form::Case&, const forms::Chip&) {
    return row.seconds() < 100e-6 ? 0 : 1;
  }
  static Work work(const Form::Case& x) {
    const double kv = static_cast<double>(2 * x.batch * x.kv_heads * x.head_dim) *
                      x.kv_bytes_per_element * x.prefix;
    return {Form::flops(x), x.window > 0 ? 0 : kv};
  }
};

}  // namespace

Adapter prefill() { return adapter_of<PrefillPoints>(); }

}  // namespace terrace::calibrate
