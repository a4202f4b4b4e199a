#include <array>
#include <cstdint>

#include "calibrate/forms/adapter.hpp"
#include "sim/cost/forms/mla_decode.hpp"
#include "sim/cost/forms/mla_prefill.hpp"

namespace terrace::calibrate {
namespace {

// Of DeepSeek's models, which all published measurements are of.
constexpr double kLatent = 512;
constexpr double kRope = 64;

struct MlaDecodePoints {
  using Form = forms::MlaDecode;
  static constexpr std::string_view kFamily = "mla_decode";
  static constexpr std::array kColumns = {Column{"batch"}, Column{"kv_len"}, Column{"num_heads"}};
  static constexpr std::array<std::string_view, 2> kGroup = {"num_heads", "batch"};
  static constexpr std::array<std::string_view, 2> kRegimes = {"KV <= 1.3 L2", "KV > 1.3 L2"};
  static constexpr bool kOneHeadDim = false;

  static Form::Case case_of(const Row& row) {
    return {.heads = static_cast<std::int64_t>(row.number("num_heads")),
            .kv_bytes_per_element = row.element_bytes(),
            .batch = static_cast<std::int64_t>(row.number("batch")),
            .kv_len = row.number("kv_len"),
            .warm = true};  // benchmarks replay one set of buffers
  }
  static std::string_view left_out(const Row&, const Form::Case&, const forms::Chip&) { return {}; }
  static std::size_t regime(const Form::Case& x, const forms::Chip& chip) {
    return work(x).bytes > 1.3 * chip.l2_bytes ? 1 : 0;
  }
  static Work work(const Form::Case& x) {
    const double keys = static_cast<double>(x.batch) * x.kv_len;
    return {2 * keys * static_cast<double>(x.heads) * (2 * kLatent + kRope),
            keys * (kLatent + kRope) * x.kv_bytes_per_element};
  }
};

struct MlaPrefillPoints {
  using Form = forms::MlaPrefill;
  static constexpr std::string_view kFamily = "mla_prefill";
  static constexpr std::array kColumns = {Column{"batch"}, Column{"seq_len"}, Column{"num_heads"}};
  static constexpr std::array<std::string_view, 2> kGroup = {"num_heads", "batch"};
  static constexpr std::array<std::string_view, 2> kRegimes = {"batch seq_len < 1024",
                                                               "batch seq_len >= 1024"};
  static constexpr bool kOneHeadDim = false;

  static Form::Case case_of(const Row& row) {
    return {.heads = static_cast<std::int64_t>(row.number("num_heads")),
            .kv_bytes_per_element = row.element_bytes(),
            .batch = static_cast<std::int64_t>(row.number("batch")),
            .fresh = row.number("seq_len")};
  }
  static std::string_view left_out(const Row&, const Form::Case&, const forms::Chip&) { return {}; }
  static std::size_t regime(const Form::Case& x, const forms::Chip&) {
    return static_cast<double>(x.batch) * x.fresh < 1024 ? 0 : 1;
  }
  static Work work(const Form::Case& x) {
    const double tokens = static_cast<double>(x.batch) * x.fresh;
    return {Form::flops(x), tokens * (kLatent + kRope) * x.kv_bytes_per_element};
  }
};

}  // namespace

Adapter mla_decode() { return adapter_of<MlaDecodePoints>(); }
Adapter mla_prefill() { return adapter_of<MlaPrefillPoints>(); }

}  // namespace terrace::calibrate
