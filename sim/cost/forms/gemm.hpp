#pragma once

#include <array>
#include <span>
#include <string_view>

#include "sim/cost/forms/form.hpp"

namespace terrace::forms {

/// Y[m,n] = X[m,k] W[n,k]^T: a launch, and the p-norm of compute and memory.
struct Gemm {
  static constexpr std::string_view kName = "gemm";
  static constexpr std::array kParameters = {
      Parameter{"launch", Unit::time, 0, 1e-4, 3e-6, "before the first tile"},
      Parameter{"bandwidth", Unit::bandwidth, 1e10, 1e14, 3e12, "of weights and activations"},
      Parameter{"flop_rate", Unit::flop_rate, 1e12, 1e16, 7e14, "of large products"},
      Parameter{"sharpness", Unit::none, 1, 20, 2.5, "of the knee between the two"}};

  struct Case {
    double m = 0;
    double n = 0;
    double k = 0;
    double element_bytes = 2;
  };

  static double seconds(std::span<const double> p, const Chip& chip, const Case& x);
};

}  // namespace terrace::forms
