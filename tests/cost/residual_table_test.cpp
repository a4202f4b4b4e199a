#include "sim/cost/residual_table.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/random.hpp"

namespace terrace {
namespace {

using Point = ResidualTable::Point;
using Without = ResidualTable::Without;

constexpr ResidualTable::Spread kSpread{{0.3, 0.1}, {0.2, 0.4}, 0.05};

/// A grid of shapes and calls with gaps, and residuals without any order.
std::vector<Point> sparse(std::uint64_t seed, double share = 0.6) {
  Random random(seed, "residuals");
  std::vector<Point> points;
  for (const double a : {1., 2., 4., 8.}) {
    for (const double b : {1., 2., 4.}) {
      for (const double c : {1., 2., 4., 8., 16.}) {
        for (const double d : {16., 64., 256.}) {
          if (random.uniform() > share) continue;
          points.push_back({{a, b}, {c, d}, 0.4 * random.uniform() - 0.2});
        }
      }
    }
  }
  return points;
}

double separation(const Point& a, const Point& b) {
  double sum = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    sum += kSpread.shape[i] * std::abs(std::log(a.shape[i] / b.shape[i]));
    sum += kSpread.call[i] * std::abs(std::log(a.call[i] / b.call[i]));
  }
  return sum;
}

double mean(const std::vector<Point>& points) {
  double sum = 0;
  for (const Point& point : points) sum += point.residual;
  return sum / static_cast<double>(points.size());
}

/// The same estimate by its definition: the system of simple kriging over all points, by Gauss and
/// Jordan.
double by_definition(const std::vector<Point>& points, const Point& at) {
  const std::size_t n = points.size();
  std::vector<std::vector<double>> rows(n, std::vector<double>(n + 1));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      rows[i][j] = std::exp(-separation(points[i], points[j])) + (i == j ? kSpread.noise : 0);
    }
    rows[i][n] = std::exp(-separation(points[i], at));
  }
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t i = 0; i < n; ++i) {
      if (i == k) continue;
      const double times = rows[i][k] / rows[k][k];
      for (std::size_t j = k; j <= n; ++j) rows[i][j] -= times * rows[k][j];
    }
  }
  double sum = mean(points);
  for (std::size_t i = 0; i < n; ++i) {
    sum += rows[i][n] / rows[i][i] * (points[i].residual - mean(points));
  }
  return sum;
}

TEST(ResidualTable, MeasuredPlacesKeepWhatWasMeasured) {
  const ResidualTable table(sparse(1), kSpread);
  for (const Point& p : table.points()) {
    const auto looked = table.shape(p.shape[0], p.shape[1]).at(p.call[0], p.call[1]);
    EXPECT_NEAR(std::log(looked.factor), p.residual, 1e-12);
    EXPECT_FALSE(looked.extrapolated);
    EXPECT_EQ(table.estimate(p.shape, p.call), p.residual);
  }
}

TEST(ResidualTable, AConstantIsFoundEverywhere) {
  std::vector<Point> points = sparse(2, 0.2);
  for (Point& point : points) point.residual = std::log(1.3);
  const ResidualTable table(points, kSpread);
  for (const double shape : {0.1, 1., 3., 100.}) {
    const ResidualTable::Shape of_one = table.shape(shape, 2);
    for (const double call : {0.5, 1., 5., 1000.}) {
      EXPECT_NEAR(of_one.at(call, 100).factor, 1.3, 1e-12);
    }
  }
}

TEST(ResidualTable, FillsGapsAsKrigingIsDefined) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::vector<Point> points = sparse(seed);
    points.resize(12);  // all of them neighbours
    const ResidualTable table(points, kSpread);
    for (const Point at :
         {Point{{2, 4}, {2, 16}, 0}, Point{{3, 1}, {5, 100}, 0}, Point{{64, 1}, {1, 1}, 0}}) {
      EXPECT_NEAR(table.estimate(at.shape, at.call), by_definition(points, at), 1e-10);
    }
  }
}

TEST(ResidualTable, IsLinearInLogsBetweenGridPoints) {
  const ResidualTable table({{{1, 1}, {4, 10}, 0.1},
                             {{1, 1}, {16, 10}, 0.3},
                             {{1, 1}, {4, 1000}, -0.1},
                             {{1, 1}, {16, 1000}, 0.2}},
                            kSpread);
  const ResidualTable::Shape shape = table.shape(1, 1);
  EXPECT_NEAR(std::log(shape.at(8, 10).factor), 0.2, 1e-12);
  EXPECT_NEAR(std::log(shape.at(4, 100).factor), 0.0, 1e-12);
  EXPECT_NEAR(std::log(shape.at(8, 100).factor), 0.125, 1e-12);
}

TEST(ResidualTable, FadesBeyondTheGridAndSaysSo) {
  const ResidualTable table({{{1, 1}, {4, 1}, 0.1}, {{1, 1}, {16, 1}, 0.3}}, kSpread);
  const ResidualTable::Shape shape = table.shape(1, 1);
  // The mean is 0.2, and the weight of the first call's count too.
  EXPECT_NEAR(std::log(shape.at(32, 1).factor), 0.2 + 0.1 * std::pow(2, -0.2), 1e-12);
  EXPECT_NEAR(std::log(shape.at(1, 1).factor), 0.2 - 0.1 * std::pow(4, -0.2), 1e-12);
  EXPECT_NEAR(std::log(shape.at(16, 2).factor), 0.2 + 0.1 * std::pow(2, -0.4), 1e-12);
  EXPECT_NEAR(std::log(shape.at(1e30, 1).factor), 0.2, 1e-6);
  EXPECT_TRUE(shape.at(1, 1).extrapolated);
  EXPECT_TRUE(shape.at(32, 1).extrapolated);
  EXPECT_TRUE(shape.at(16, 2).extrapolated);
  EXPECT_FALSE(shape.at(4, 1).extrapolated);
  EXPECT_FALSE(shape.at(7, 1).extrapolated);
  EXPECT_FALSE(shape.at(16, 1).extrapolated);
}

TEST(ResidualTable, SaysWhereNothingIsNear) {
  // exp(-0.3 ln 3) = 0.72, exp(-0.3 ln 5) = 0.62.
  const ResidualTable table({{{1, 1}, {1, 1}, 0.1}, {{1, 1}, {2, 1}, 0.1}}, kSpread);
  EXPECT_FALSE(table.shape(3, 1).at(2, 1).extrapolated);
  EXPECT_TRUE(table.shape(5, 1).at(2, 1).extrapolated);
}

TEST(ResidualTable, WhatIsLeftOutHasNoInfluence) {
  const std::vector<Point> points = sparse(3);
  const ResidualTable table(points, kSpread);
  for (std::size_t i = 0; i < points.size(); i += 7) {
    const Point& at = points[i];
    std::vector<Point> no_point = points;
    no_point.erase(no_point.begin() + static_cast<std::ptrdiff_t>(i));
    std::vector<Point> no_shape = points;
    std::erase_if(no_shape, [&](const Point& p) { return p.shape == at.shape; });
    EXPECT_NEAR(table.estimate(at.shape, at.call, Without::point),
                ResidualTable(no_point, kSpread).estimate(at.shape, at.call), 1e-12);
    EXPECT_NEAR(table.estimate(at.shape, at.call, Without::shape),
                ResidualTable(no_shape, kSpread).estimate(at.shape, at.call), 1e-12);
  }
}

TEST(ResidualTable, TheOrderOfPointsDoesNotMatter) {
  std::vector<Point> points = sparse(4);
  const ResidualTable one(points, kSpread);
  std::reverse(points.begin(), points.end());
  const ResidualTable other(points, kSpread);
  EXPECT_EQ(one.estimate({3, 3}, {3, 30}), other.estimate({3, 3}, {3, 30}));
}

}  // namespace
}  // namespace terrace
