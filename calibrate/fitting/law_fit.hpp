#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calibrate/fitting/least_squares.hpp"
#include "sim/base/function_ref.hpp"
#include "sim/cost/forms/form.hpp"
#include "sim/cost/kernel_profile.hpp"

namespace terrace::calibrate {

/// The parameters of a law of one machine's part, as some dozen points tell them.
struct LawFit {
  std::vector<FittedParameter> parameters;  // 95 % intervals by the bootstrap over points
  std::vector<RegimeError> errors;          // "all", then regimes; cv_* leave out one point each
  std::vector<std::string> notes;           // what the points do not determine
};

/// What a law is fitted to.
struct LawProblem {
  std::string_view name;  // "reads of the drive", for errors
  std::span<const forms::Parameter> parameters;
  std::span<const double> measured;  // seconds, by case; all positive
  /// Of case i with these parameters, in seconds.
  FunctionRef<double(std::span<const double> parameters, std::size_t i)> seconds;
  std::span<const std::uint32_t> regime = {};  // by case; none: no regimes
  std::span<const std::string_view> regimes = {};
};

/// By soft-L1 of log(predicted / measured), see solve(). Throws ConfigError if there are no more
/// points than parameters, or one is not positive. A pure function of its arguments.
/// O(points^2 + replicates * points).
LawFit fit_law(const LawProblem& problem, int replicates = 200);

}  // namespace terrace::calibrate
