#include "sim/cost/residual_table.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/base/portable_math.hpp"

namespace terrace {
namespace {

constexpr std::size_t kNeighbours = 12;  // more made leave-one-out errors no smaller
constexpr double kReach = 0.405;         // -ln(2/3)

double distance(const std::array<double, 4>& a, const std::array<double, 4>& b) {
  return std::abs(a[0] - b[0]) + std::abs(a[1] - b[1]) + std::abs(a[2] - b[2]) +
         std::abs(a[3] - b[3]);
}

struct Neighbour {
  double distance = 0;
  std::size_t point = 0;
};

/// The nearest so far, nearest first; among equals the first seen.
struct Nearest {
  std::array<Neighbour, kNeighbours> all;
  std::size_t size = 0;

  void offer(Neighbour one) {
    if (size == kNeighbours && one.distance >= all.back().distance) return;
    std::size_t i = size < kNeighbours ? size++ : size - 1;
    for (; i > 0 && all[i - 1].distance > one.distance; --i) all[i] = all[i - 1];
    all[i] = one;
  }
};

using Vector = std::array<double, kNeighbours>;

/// A symmetric positive definite matrix, factored in place. By hand: a library's order of additions
/// depends on the machine's vectors, and times are to be the same bits everywhere.
class Cholesky {
 public:
  explicit Cholesky(std::size_t n) : n_(n) {}

  double& at(std::size_t row, std::size_t column) { return l_[row][column]; }

  void factor() {
    for (std::size_t j = 0; j < n_; ++j) {
      for (std::size_t i = j; i < n_; ++i) {
        for (std::size_t k = 0; k < j; ++k) l_[i][j] -= l_[i][k] * l_[j][k];
        if (i == j) {
          l_[j][j] = std::sqrt(l_[j][j]);
        } else {
          l_[i][j] /= l_[j][j];
        }
      }
    }
  }

  [[nodiscard]] Vector solve(Vector x) const {
    for (std::size_t i = 0; i < n_; ++i) {
      for (std::size_t k = 0; k < i; ++k) x[i] -= l_[i][k] * x[k];
      x[i] /= l_[i][i];
    }
    for (std::size_t i = n_; i-- > 0;) {
      for (std::size_t k = i + 1; k < n_; ++k) x[i] -= l_[k][i] * x[k];
      x[i] /= l_[i][i];
    }
    return x;
  }

 private:
  std::size_t n_;
  std::array<Vector, kNeighbours> l_{};
};

/// Where a count lies on an axis: between knot and knot + 1, or so far beyond its ends.
struct Cell {
  std::size_t knot = 0;
  double part = 0;
  double beyond = 0;
};

Cell locate(const std::vector<double>& axis, double x) {
  if (x >= axis.back()) return {axis.size() - 1, 0, x - axis.back()};
  if (x <= axis.front()) return {0, 0, axis.front() - x};
  const auto next = std::upper_bound(axis.begin(), axis.end(), x);
  const auto knot = static_cast<std::size_t>(next - axis.begin()) - 1;
  return {knot, (x - axis[knot]) / (*next - axis[knot]), 0};
}

}  // namespace

ResidualTable::Looked ResidualTable::Shape::at(double call0, double call1) const {
  const Cell a = locate(axes_[0], portable::ln(call0));
  const Cell b = locate(axes_[1], portable::ln(call1));
  Looked looked;
  double sum = 0;
  const auto add = [&](std::size_t i, std::size_t j, double weight) {
    if (weight == 0) return;  // also beyond the last knot
    const std::size_t node = i * axes_[1].size() + j;
    sum += weight * residuals_[node];
    looked.extrapolated = looked.extrapolated || far_[node];
  };
  add(a.knot, b.knot, (1 - a.part) * (1 - b.part));
  add(a.knot, b.knot + 1, (1 - a.part) * b.part);
  add(a.knot + 1, b.knot, a.part * (1 - b.part));
  add(a.knot + 1, b.knot + 1, a.part * b.part);
  const double beyond = spread_[0] * a.beyond + spread_[1] * b.beyond;
  if (beyond > 0) {
    looked.extrapolated = true;
    sum = mean_ + (sum - mean_) * portable::exp(-beyond);
  }
  looked.factor = portable::exp(sum);
  return looked;
}

ResidualTable::ResidualTable(std::vector<Point> points, const Spread& spread)
    : spread_(spread), points_(std::move(points)) {
  TERRACE_CHECK(!points_.empty());
  std::sort(points_.begin(), points_.end());
  for (const Point& point : points_) {
    places_.push_back(place(point.shape, point.call));
    sum_ += point.residual;
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i].push_back(point.call[i]);
  }
  for (std::vector<double>& counts : counts_) {
    std::sort(counts.begin(), counts.end());
    counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
  }
}

ResidualTable::Shape ResidualTable::shape(double shape0, double shape1) const {
  Shape shape;
  shape.spread_ = spread_.call;
  shape.mean_ = sum_ / static_cast<double>(points_.size());
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    for (const double count : counts_[i]) shape.axes_[i].push_back(portable::ln(count));
  }
  for (const double call0 : counts_[0]) {
    for (const double call1 : counts_[1]) {
      const Found found = find(place({shape0, shape1}, {call0, call1}), Without::nothing);
      shape.residuals_.push_back(found.residual);
      shape.far_.push_back(found.distance > kReach);
    }
  }
  return shape;
}

double ResidualTable::estimate(const Pair& shape, const Pair& call, Without without) const {
  return find(place(shape, call), without).residual;
}

ResidualTable::Place ResidualTable::place(const Pair& shape, const Pair& call) const {
  return {spread_.shape[0] * portable::ln(shape[0]), spread_.shape[1] * portable::ln(shape[1]),
          spread_.call[0] * portable::ln(call[0]), spread_.call[1] * portable::ln(call[1])};
}

ResidualTable::Found ResidualTable::find(const Place& at, Without without) const {
  Nearest near;
  double sum = sum_;
  std::size_t seen = places_.size();
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const Place& other = places_[i];
    const double d = distance(at, other);
    if (without == Without::shape ? other[0] == at[0] && other[1] == at[1]
                                  : without == Without::point && d == 0) {
      sum -= points_[i].residual;
      --seen;
      continue;
    }
    if (d == 0) return {points_[i].residual, 0};
    near.offer({d, i});
  }
  TERRACE_CHECK(near.size > 0);

  Cholesky covariance(near.size);
  Vector to_place{};
  for (std::size_t i = 0; i < near.size; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      covariance.at(i, j) =
          portable::exp(-distance(places_[near.all[i].point], places_[near.all[j].point]));
    }
    covariance.at(i, i) = 1 + spread_.noise;
    to_place[i] = portable::exp(-near.all[i].distance);
  }
  covariance.factor();
  const Vector weights = covariance.solve(to_place);
  const double mean = sum / static_cast<double>(seen);
  Found found{mean, near.all.front().distance};
  for (std::size_t i = 0; i < near.size; ++i) {
    found.residual += weights[i] * (points_[near.all[i].point].residual - mean);
  }
  return found;
}

}  // namespace terrace
