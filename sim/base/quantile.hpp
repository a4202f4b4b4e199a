#pragma once

#include <vector>

namespace terrace {

/// The q-quantile, between the two nearest values if it lies between them, as most programs have
/// it. REQUIRES: values, 0 <= q <= 1. O(n log n).
double interpolated_quantile(std::vector<double> values, double q);

/// The value that is nearest to the q-quantile by its rank; of two, the larger.
/// REQUIRES: values, 0 <= q <= 1. O(n).
double nearest_quantile(std::vector<double> values, double q);

}  // namespace terrace
