#include "sim/study/statistics.hpp"

#include <cmath>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

bool dominates(const std::vector<double>& a, const std::vector<double>& b) {
  bool smaller = false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] > b[i]) return false;
    smaller = smaller || a[i] < b[i];
  }
  return smaller;
}

}  // namespace

MeanEstimate estimate(std::span<const double> values) {
  TERRACE_CHECK(!values.empty());
  const auto n = static_cast<double>(values.size());
  // About the first value, so that equal values have exactly this mean and no spread.
  const double origin = values.front();
  double sum = 0;
  for (const double value : values) sum += value - origin;
  const double mean = origin + sum / n;
  if (values.size() == 1) return {1, mean, std::nullopt};
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double error = std::sqrt(squares / (n - 1) / n);
  return {values.size(), mean, t_quantile(values.size() - 1) * error};
}

MeanEstimate paired_difference(std::span<const std::pair<double, double>> value_and_base) {
  std::vector<double> differences;
  differences.reserve(value_and_base.size());
  for (const auto& [value, base] : value_and_base) differences.push_back(value - base);
  return estimate(differences);
}

std::vector<bool> pareto_front(const std::vector<std::vector<double>>& points) {
  std::vector<bool> front(points.size(), true);
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (std::size_t k = 0; front[i] && k < points.size(); ++k) {
      front[i] = !dominates(points[k], points[i]);
    }
  }
  return front;
}

}  // namespace terrace
