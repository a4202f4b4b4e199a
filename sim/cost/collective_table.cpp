#include "sim/cost/collective_table.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/base/portable_math.hpp"

namespace terrace {

CollectiveTable::CollectiveTable(std::vector<Point> points) : points_(std::move(points)) {
  TERRACE_CHECK(!points_.empty());
  std::sort(points_.begin(), points_.end(),
            [](const Point& a, const Point& b) { return a.bytes < b.bytes; });
}

Estimate CollectiveTable::at(Bytes bytes) const {
  const auto next = std::lower_bound(points_.begin(), points_.end(), bytes,
                                     [](const Point& p, Bytes b) { return p.bytes < b; });
  if (next == points_.end()) {
    const Point& last = points_.back();
    return {duration_from_seconds(seconds(last.time) * (bytes / last.bytes)), true};
  }
  if (next->bytes == bytes) return {next->time};
  if (next == points_.begin()) return {next->time, true};
  const Point& before = *(next - 1);
  const double part = portable::ln(bytes / before.bytes) / portable::ln(next->bytes / before.bytes);
  const double growth = portable::pow(seconds(next->time) / seconds(before.time), part);
  return {duration_from_seconds(seconds(before.time) * growth)};
}

}  // namespace terrace
