#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace terrace {

/// From one: which of n sorted values is their q-quantile by nearest rank, the least value that a
/// share q of them does not exceed. REQUIRES: n > 0, 0 < q < 1.
inline std::size_t nearest_rank(double q, std::size_t n) {
  // 0.99 * 700 is 693 and a little: not the 694th.
  const double exact = q * static_cast<double>(n);
  const auto rank = static_cast<std::size_t>(std::ceil(exact * (1 - 1e-12)));
  return std::clamp<std::size_t>(rank, 1, n);
}

}  // namespace terrace
