#include "sim/cost/forms/cpu.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "calibrate/fitting/forms/adapter.hpp"
#include "sim/cost/forms/mla.hpp"
#include "sim/cost/kernels.hpp"

// Of all head sizes at once, as the laws say what these do. A serving step finds its operands in
// memory, so that points which found them in a cache are left out.
namespace terrace::calibrate {
namespace {

constexpr std::string_view kHot = "operands in a cache";
constexpr std::array<std::string_view, 2> kLengths = {"kv < 1024", "kv >= 1024"};

struct CpuGemmPoints {
  using Form = forms::CpuGemm;
  static constexpr std::string_view kFamily = "gemm";
  static constexpr std::array kColumns = {Column{"m"}, Column{"n"}, Column{"k"}};
  static constexpr std::array<std::string_view, 2> kGroup = {"n", "k"};
  static constexpr std::array<std::string_view, 3> kRegimes = {"m <= 64", "64 < m < 512",
                                                               "m >= 512"};
  static constexpr std::string_view kOnly = "";

  static Form::Case case_of(const Row& row) {
    return {row.count("m"), row.count("n"), row.count("k"), row.element_bytes()};
  }
  static std::string_view left_out(const Row& row, const Form::Case&, const forms::Chip&) {
    return row.hot() ? kHot : "";
  }
  static std::size_t regime(const Row&, const Form::Case& x, const forms::Chip&) {
    return x.m <= 64 ? 0 : x.m < 512 ? 1 : 2;
  }
  static Work work(const Form::Case& x) {
    const double weights = static_cast<double>(x.n) * static_cast<double>(x.k);
    return {2 * static_cast<double>(x.m) * weights, weights * x.bytes_per_element};
  }
};

struct CpuDecodePoints {
  using Form = forms::CpuDecode;
  static constexpr std::string_view kFamily = "decode_attention";
  static constexpr std::array kColumns = {Column{"num_heads"}, Column{"num_kv_heads"},
                                          Column{"head_dim"}, Column{"batch"}, Column{"kv_len"}};
  static constexpr std::array<std::string_view, 3> kGroup = {"num_heads", "num_kv_heads",
                                                             "head_dim"};
  static constexpr std::array kRegimes = kLengths;
  static constexpr std::string_view kOnly = "";

  /// Of a ragged batch, the length is the mean.
  static Form::Case case_of(const Row& row) {
    const double length = row.number("kv_len");
    const double seen = std::min(length, row.window().value_or(length));
    return {.batch = row.count("batch"),
            .kv_tokens = row.number("batch") * seen,
            .heads = row.count("num_heads"),
            .kv_heads = row.count("num_kv_heads"),
            .key_dim = row.count("head_dim"),
            .value_dim = row.count("head_dim"),
            .kv_bytes_per_element = row.element_bytes(),
            .longest = seen};
  }
  static std::string_view left_out(const Row& row, const Form::Case& x, const forms::Chip&) {
    if (x.kv_heads > x.heads) return "more KV heads than heads";
    return row.hot() ? kHot : "";
  }
  static std::size_t regime(const Row&, const Form::Case& x, const forms::Chip&) {
    return x.longest < 1024 ? 0 : 1;
  }
  static Work work(const Form::Case& x) {
    const auto heads = static_cast<double>(x.heads);
    const auto kv_heads = static_cast<double>(x.kv_heads);
    const auto dim = static_cast<double>(x.key_dim);
    return {4 * x.kv_tokens * heads * dim,
            2 * x.kv_tokens * kv_heads * dim * x.kv_bytes_per_element};
  }
};

struct CpuMlaDecodePoints {
  using Form = forms::CpuMlaDecode;
  static constexpr std::string_view kFamily = "mla_decode";
  static constexpr std::array kColumns = {Column{"num_heads"}, Column{"batch"}, Column{"kv_len"}};
  static constexpr std::array<std::string_view, 1> kGroup = {"num_heads"};
  static constexpr std::array kRegimes = kLengths;
  static constexpr std::string_view kOnly = "";

  static Form::Case case_of(const Row& row) {
    return {row.count("batch"), row.number("batch") * row.number("kv_len"), row.count("num_heads"),
            row.element_bytes()};
  }
  static std::string_view left_out(const Row& row, const Form::Case&, const forms::Chip&) {
    return row.hot() ? kHot : "";
  }
  static std::size_t regime(const Row& row, const Form::Case&, const forms::Chip&) {
    return row.number("kv_len") < 1024 ? 0 : 1;
  }
  static Work work(const Form::Case& x) {
    return {2 * x.kv_tokens * static_cast<double>(x.heads) * (forms::kMlaRow + forms::kMlaLatent),
            x.kv_tokens * forms::kMlaRow * x.kv_bytes_per_element};
  }
};

struct CpuPrefillPoints {
  using Form = forms::CpuPrefill;
  static constexpr std::string_view kFamily = "prefill_attention";
  static constexpr std::array kColumns = {Column{"num_heads"}, Column{"num_kv_heads"},
                                          Column{"head_dim"}, Column{"batch"}, Column{"seq_len"}};
  static constexpr std::array<std::string_view, 3> kGroup = {"num_heads", "num_kv_heads",
                                                             "head_dim"};
  static constexpr std::array<std::string_view, 2> kRegimes = {"new tokens < 1024",
                                                               "new tokens >= 1024"};
  static constexpr std::string_view kOnly = "";

  static Form::Case case_of(const Row& row) {
    const double window = row.window().value_or(0);
    const AttentionKernel kernel{.reach = window > 0 ? Reach::window : Reach::all,
                                 .span = Tokens{std::llround(window)}};
    const PrefillChunk chunk{Tokens{row.count("seq_len")}, Tokens{std::llround(row.prefix())}};
    return {.heads = row.count("num_heads"),
            .kv_heads = row.count("num_kv_heads"),
            .key_dim = row.count("head_dim"),
            .value_dim = row.count("head_dim"),
            .kv_bytes_per_element = row.element_bytes(),
            .batch = row.number("batch"),
            .fresh = row.number("seq_len"),
            .pairs = pairs(kernel, chunk)};
  }
  static std::string_view left_out(const Row& row, const Form::Case& x, const forms::Chip&) {
    if (x.kv_heads > x.heads) return "more KV heads than heads";
    return row.hot() ? kHot : "";
  }
  static std::size_t regime(const Row&, const Form::Case& x, const forms::Chip&) {
    return x.fresh < 1024 ? 0 : 1;
  }
  static Work work(const Form::Case& x) { return {Form::load(x).all.flops, 0}; }
};

}  // namespace

Adapter cpu_gemm() { return adapter_of<CpuGemmPoints>(); }
Adapter cpu_decode() { return adapter_of<CpuDecodePoints>(); }
Adapter cpu_prefill() { return adapter_of<CpuPrefillPoints>(); }
Adapter cpu_mla_decode() { return adapter_of<CpuMlaDecodePoints>(); }

}  // namespace terrace::calibrate
