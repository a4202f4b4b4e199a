#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/base/units.hpp"
#include "sim/cost/estimate.hpp"

namespace terrace {

/// Measured times over N counts, linear in between on every axis.
///
/// At construction the points become a full grid: a crossing that was not measured is interpolated
/// along the first axis, then the next, that has measured times on both sides of it, and gets the
/// nearest one where none has. A lookup is then 2^N neighbours in one flat array. Below an axis its
/// first value counts; beyond it the secant over the upper half goes on, as the steps of tiles make
/// the slope between the last two points meaningless.
template <std::size_t N>
class ProfileGrid {
 public:
  using Counts = std::array<std::int64_t, N>;
  using Point = std::pair<Counts, Duration>;

  /// REQUIRES: at least one point, no two with the same counts.
  explicit ProfileGrid(const std::vector<Point>& points);

  /// O(N log axis + 2^N).
  [[nodiscard]] Estimate at(const std::array<double, N>& counts) const;

 private:
  using Cells = std::vector<std::optional<double>>;

  static constexpr std::size_t kShortAxis = 32;

  /// Two places on an axis, and the weight of the second.
  struct Bracket {
    std::size_t low;
    std::size_t high;
    double weight;
    bool beyond;
  };

  [[nodiscard]] Bracket bracket(std::size_t axis, double count) const;
  [[nodiscard]] std::size_t place(std::size_t cell, std::size_t axis) const {
    return cell / strides_[axis] % axes_[axis].size();
  }
  /// The nearest known cell below (step -1) or above (+1) on an axis.
  [[nodiscard]] std::optional<std::size_t> neighbour(const Cells& cells, std::size_t cell,
                                                     std::size_t axis, int step) const;
  /// One pass: fills what can be filled from what is known now; false if nothing was.
  bool fill(Cells& cells, bool from_one_side) const;

  std::array<std::vector<double>, N> axes_;
  std::array<std::size_t, N> strides_{};
  std::vector<double> times_;  // ps
};

template <std::size_t N>
ProfileGrid<N>::ProfileGrid(const std::vector<Point>& points) {
  TERRACE_CHECK(!points.empty());
  std::size_t size = 1;
  for (std::size_t axis = N; axis-- > 0;) {
    std::vector<double>& values = axes_[axis];
    for (const Point& p : points) values.push_back(static_cast<double>(p.first[axis]));
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    strides_[axis] = size;
    size *= values.size();
  }
  Cells cells(size);
  for (const auto& [counts, time] : points) {
    std::size_t cell = 0;
    for (std::size_t axis = 0; axis < N; ++axis) {
      cell += strides_[axis] * bracket(axis, static_cast<double>(counts[axis])).low;
    }
    TERRACE_CHECK(!cells[cell]);
    cells[cell] = static_cast<double>(time.count());
  }
  while (fill(cells, false)) {
  }
  while (fill(cells, true)) {
  }
  for (const auto& cell : cells) times_.push_back(cell.value());
}

template <std::size_t N>
auto ProfileGrid<N>::neighbour(const Cells& cells, std::size_t cell, std::size_t axis,
                               int step) const -> std::optional<std::size_t> {
  const std::size_t here = place(cell, axis);
  const std::size_t steps = step < 0 ? here : axes_[axis].size() - 1 - here;
  for (std::size_t i = 1; i <= steps; ++i) {
    const std::size_t there = step < 0 ? cell - i * strides_[axis] : cell + i * strides_[axis];
    if (cells[there]) return there;
  }
  return std::nullopt;
}

template <std::size_t N>
bool ProfileGrid<N>::fill(Cells& cells, bool from_one_side) const {
  std::vector<std::pair<std::size_t, double>> found;
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    for (std::size_t axis = 0; axis < N && !cells[cell]; ++axis) {
      const auto low = neighbour(cells, cell, axis, -1);
      const auto high = neighbour(cells, cell, axis, +1);
      if (low && high) {
        const std::vector<double>& values = axes_[axis];
        const double from = values[place(*low, axis)];
        const double weight =
            (values[place(cell, axis)] - from) / (values[place(*high, axis)] - from);
        found.emplace_back(cell, *cells[*low] + weight * (*cells[*high] - *cells[*low]));
        break;
      }
      if (from_one_side && (low || high)) {
        found.emplace_back(cell, *cells[low ? *low : *high]);
        break;
      }
    }
  }
  for (const auto& [cell, time] : found) cells[cell] = time;
  return !found.empty();
}

template <std::size_t N>
auto ProfileGrid<N>::bracket(std::size_t axis, double count) const -> Bracket {
  const std::vector<double>& values = axes_[axis];
  const std::size_t last = values.size() - 1;
  if (count <= values.front()) return {0, 0, 0, false};
  std::size_t high = 0;
  if (values.size() <= kShortAxis) {
    for (const double value : values) high += value <= count ? 1U : 0U;  // without a branch
  } else {
    const auto found = std::upper_bound(values.begin(), values.end(), count);
    high = static_cast<std::size_t>(found - values.begin());
  }
  if (count == values[high - 1]) return {high - 1, high - 1, 0, false};
  std::size_t low = high - 1;
  const bool beyond = high > last;
  if (beyond) {
    if (last == 0) return {0, 0, 0, true};
    high = last;
    const auto half = std::upper_bound(values.begin(), values.end(), values[last] / 2);
    low = static_cast<std::size_t>(half - values.begin());
    low = std::min(low > 0 ? low - 1 : 0, last - 1);
  }
  return {low, high, (count - values[low]) / (values[high] - values[low]), beyond};
}

template <std::size_t N>
Estimate ProfileGrid<N>::at(const std::array<double, N>& counts) const {
  std::size_t first = 0;
  std::array<std::size_t, N> step{};
  std::array<double, N> weight{};
  bool beyond = false;
  for (std::size_t axis = 0; axis < N; ++axis) {
    const Bracket b = bracket(axis, counts[axis]);
    first += strides_[axis] * b.low;
    step[axis] = strides_[axis] * (b.high - b.low);
    weight[axis] = b.weight;
    beyond |= b.beyond;
  }
  // The corners of the cell, then one axis less with every round.
  std::array<double, std::size_t{1} << N> corner;
  for (std::size_t i = 0; i < corner.size(); ++i) {
    std::size_t cell = first;
    for (std::size_t axis = 0; axis < N; ++axis) cell += (i >> axis & 1U) * step[axis];
    corner[i] = times_[cell];
  }
  for (std::size_t axis = N; axis-- > 0;) {
    const std::size_t half = std::size_t{1} << axis;
    for (std::size_t i = 0; i < half; ++i) {
      corner[i] += weight[axis] * (corner[i + half] - corner[i]);
    }
  }
  if (corner[0] > 9.2e18) return {Duration::max(), beyond};
  return {Duration{static_cast<Duration::rep>(std::max(corner[0], 0.0) + 0.5)}, beyond};
}

}  // namespace terrace
