#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace terrace {

/// A mean and how far to trust it.
struct MeanEstimate {
  std::size_t n = 0;
  double mean = 0;
  std::optional<double> half_width;  // of the 95 % confidence interval; none of a single value

  /// Whether 0 lies in the interval. REQUIRES: there is one.
  [[nodiscard]] bool includes_zero() const { return -*half_width <= mean && mean <= *half_width; }
};

/// The mean of independent values, with Student's interval. REQUIRES: !values.empty().
MeanEstimate estimate(std::span<const double> values);

/// The mean of value - base over pairs under the same random numbers: what the pair has in common
/// cancels, so that the interval is often much narrower than either mean's. REQUIRES: one at least.
MeanEstimate paired_difference(std::span<const std::pair<double, double>> value_and_base);

/// The 97.5 % quantile of Student's t distribution. REQUIRES: degrees >= 1.
double t_quantile(std::size_t degrees);

/// Which points no other point dominates: one that is nowhere larger and somewhere smaller. Equal
/// points do not dominate each other. REQUIRES: all points have as many coordinates. O(n^2).
std::vector<bool> pareto_front(const std::vector<std::vector<double>>& points);

}  // namespace terrace
