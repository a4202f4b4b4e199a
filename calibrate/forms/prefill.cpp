#include "sim/cost/forms/prefill.hpp"

#include <array>
#include <cstdint>

#include "calibrate/forms/adapter.hpp"

namespace terrace::calibrate {
namespace {

struct PrefillPoints {
  using Form = forms::Prefill;
  static constexpr std::string_view kFamily = "prefill_attention";
  static constexpr std::array kColumns = {Column{"batch"}, Column{"seq_len"}, Column{"num_heads"},
                                          Column{"num_kv_heads"}, Column{"head_dim"}};
  static constexpr std::array<std::string_view, 2> kGroup = {"num_heads", "num_kv_heads"};
  static constexpr std::array<std::string_view, 2> kRegimes = {"batch seq_len < 1024",
                                                               "batch seq_len >= 1024"};
  static constexpr bool kOneHeadDim = true;

  static Form::Case case_of(const Row& row) {
    const auto count = [&](std::string_view column) {
      return static_cast<std::int64_t>(row.number(column));
    };
    return {.heads = count("num_heads"),
            .kv_heads = count("num_kv_heads"),
            .head_dim = count("head_dim"),
            .kv_bytes_per_element = row.element_bytes(),
            .batch = count("batch"),
            .fresh = row.number("seq_len")};
  }
  static std::string_view left_out(const Row&, const Form::Case&, const forms::Chip&) { return {}; }
  static std::size_t regime(const Form::Case& x, const forms::Chip&) {
    return static_cast<double>(x.batch) * x.fresh < 1024 ? 0 : 1;
  }
  static Work work(const Form::Case& x) {
    const double tokens = static_cast<double>(x.batch) * x.fresh;
    return {Form::flops(x),
            tokens * 2 * static_cast<double>(x.kv_heads * x.head_dim) * x.kv_bytes_per_element};
  }
};

}  // namespace

Adapter prefill() { return adapter_of<PrefillPoints>(); }

}  // namespace terrace::calibrate
