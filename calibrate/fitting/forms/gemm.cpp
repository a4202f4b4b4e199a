#include "sim/cost/forms/gemm.hpp"

#include <array>

#include "calibrate/fitting/forms/adapter.hpp"

namespace terrace::calibrate {
namespace {

struct GemmPoints {
  using Form = forms::Gemm;
  static constexpr std::string_view kFamily = "gemm";
  static constexpr std::array kColumns = {Column{"m"}, Column{"n"}, Column{"k"}};
  static constexpr std::array<std::string_view, 2> kGroup = {"n", "k"};
  static constexpr std::array<std::string_view, 2> kRegimes = {"n or k < 1024", "n, k >= 1024"};
  static constexpr std::string_view kOnly = "";

  static Form::Case case_of(const Row& row) {
    // Tables of kernels take turns among six copies of W (aiconfigurator); what flushes L2 says so.
    constexpr std::int64_t kCopies = 6;
    // Engines' layers take tokens of 16 bits, and quantise them; products alone say that they do
    // not.
    const bool quantised = row.text("activations") == row.text("dtype");
    return {.m = row.count("m"),
            .n = row.count("n"),
            .k = row.count("k"),
            .weights = row.dtype(),
            .rotation = row.cold() ? 0 : kCopies,
            .tokens_quantised = quantised};
  }
  static std::string_view left_out(const Row&, const Form::Case&, const forms::Chip&) { return {}; }
  static std::size_t regime(const Row&, const Form::Case& x, const forms::Chip&) {
    return x.n < 1024 || x.k < 1024 ? 0 : 1;
  }
  static Work work(const Form::Case& x) {
    const auto nk = static_cast<double>(x.n) * static_cast<double>(x.k);
    return {2 * static_cast<double>(x.m) * nk, nk * bytes_per_element(x.weights)};
  }
};

}  // namespace

Adapter gemm() { return adapter_of<GemmPoints>(); }

}  // namespace terrace::calibrate
