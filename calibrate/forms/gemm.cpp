#include "sim/cost/forms/gemm.hpp"

#include <array>
#include <cstdint>

#include "calibrate/forms/adapter.hpp"

namespace terrace::calibrate {
namespace {

struct GemmPoints {
  using Form = forms::Gemm;
  static constexpr std::string_view kFamily = "gemm";
  static constexpr std::array kColumns = {Column{"m"}, Column{"n"}, Column{"k"}};
  static constexpr std::array<std::string_view, 2> kGroup = {"n", "k"};
  static constexpr std::array<std::string_view, 4> kRegimes = {
      "n or k < 1024", "n, k >= 1024, m <= 64", "n, k >= 1024, 64 < m < 512",
      "n, k >= 1024, m >= 512"};
  static constexpr bool kOneHeadDim = false;

  static Form::Case case_of(const Row& row) {
    const auto count = [&](std::string_view column) {
      return static_cast<std::int64_t>(row.number(column));
    };
    constexpr std::int64_t kWeightCopies = 6;  // that the published benchmarks use in turn
    return {count("m"), count("n"), count("k"), row.dtype(), kWeightCopies};
  }
  static std::string_view left_out(const Row&, const Form::Case&, const forms::Chip&) { return {}; }
  static std::size_t regime(const Form::Case& x, const forms::Chip&) {
    if (x.n < 1024 || x.k < 1024) return 0;
    return x.m <= 64 ? 1 : x.m < 512 ? 2 : 3;
  }
  static Work work(const Form::Case& x) {
    const double weights = static_cast<double>(x.n) * static_cast<double>(x.k);
    return {2 * weights * static_cast<double>(x.m), weights * bits(x.weights) / 8.0};
  }
};

}  // namespace

Adapter gemm() { return adapter_of<GemmPoints>(); }

}  // namespace terrace::calibrate
