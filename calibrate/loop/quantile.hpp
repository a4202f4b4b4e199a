#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "sim/base/check.hpp"

namespace terrace::calibrate {

/// Between the neighbours, linearly. REQUIRES: values, 0 <= q <= 1.
inline double quantile(std::vector<double> values, double q) {
  TERRACE_CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  const double place = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(place);
  const std::size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (place - static_cast<double>(low)) * (values[high] - values[low]);
}

}  // namespace terrace::calibrate
