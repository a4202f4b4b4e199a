#include "sim/cost/forms/decode.hpp"

#include <array>
#include <cstdint>

#include "calibrate/forms/adapter.hpp"

namespace terrace::calibrate {
namespace {

struct DecodePoints {
  using Form = forms::Decode;
  static constexpr std::string_view kFamily = "decode_attention";
  static constexpr std::array kColumns = {Column{"batch"}, Column{"kv_len"}, Column{"num_heads"},
                                          Column{"num_kv_heads"}, Column{"head_dim"}};
  static constexpr std::array<std::string_view, 2> kGroup = {"num_heads", "num_kv_heads"};
  static constexpr std::array<std::string_view, 2> kRegimes = {"KV <= 1.3 L2", "KV > 1.3 L2"};
  static constexpr bool kOneHeadDim = true;

  static Form::Case case_of(const Row& row) {
    const auto count = [&](std::string_view column) {
      return static_cast<std::int64_t>(row.number(column));
    };
    const double length = row.number("kv_len");
    return {.batch = count("batch"),
            .kv_tokens = row.number("batch") * length,
            .heads = count("num_heads"),
            .kv_heads = count("num_kv_heads"),
            .head_dim = count("head_dim"),
            .kv_bytes_per_element = row.element_bytes(),
            .warm = true,  // benchmarks replay one set of buffers
            .longest = length};
  }
  static std::string_view left_out(const Row&, const Form::Case&, const forms::Chip&) { return {}; }
  static std::size_t regime(const Form::Case& x, const forms::Chip& chip) {
    return kv_bytes(x) > 1.3 * chip.l2_bytes ? 1 : 0;
  }
  static Work work(const Form::Case& x) {
    return {4 * x.kv_tokens * static_cast<double>(x.heads * x.head_dim), kv_bytes(x)};
  }

 private:
  static double kv_bytes(const Form::Case& x) {
    return x.kv_tokens * 2 * static_cast<double>(x.kv_heads * x.head_dim) * x.kv_bytes_per_element;
  }
};

}  // namespace

Adapter decode() { return adapter_of<DecodePoints>(); }

}  // namespace terrace::calibrate
