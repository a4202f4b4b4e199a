#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace terrace::kernels::reference {

/// Turns scores into shares that sum to 1. REQUIRES: not empty.
inline void softmax(std::vector<double>& scores) {
  const double largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& s : scores) sum += s = std::exp(s - largest);
  for (double& s : scores) s /= sum;
}

}  // namespace terrace::kernels::reference
