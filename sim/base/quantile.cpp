#include "sim/base/quantile.hpp"

#include <algorithm>
#include <cstddef>

#include "sim/base/check.hpp"

namespace terrace {

double interpolated_quantile(std::vector<double> values, double q) {
  TERRACE_CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  const double place = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(place);
  const std::size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (place - static_cast<double>(low)) * (values[high] - values[low]);
}

double nearest_quantile(std::vector<double> values, double q) {
  TERRACE_CHECK(!values.empty());
  const auto at = static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

}  // namespace terrace
