#pragma once

#include <span>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/cost/estimate.hpp"

namespace terrace {

/// Measured times of a collective operation by its size, for one number of GPUs. Log-log
/// interpolation between sizes. Below the smallest its time counts, and above the largest its
/// bandwidth; both are extrapolated.
class CollectiveTable {
 public:
  struct Point {
    Bytes bytes{};
    Duration time{};
  };

  /// REQUIRES: points of distinct sizes > 0.
  explicit CollectiveTable(std::vector<Point> points);

  /// O(log points).
  [[nodiscard]] Estimate at(Bytes bytes) const;

  [[nodiscard]] std::span<const Point> points() const { return points_; }

 private:
  std::vector<Point> points_;  // by size
};

}  // namespace terrace
