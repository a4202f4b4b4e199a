#include "sim/study/statistics.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/random.hpp"

namespace terrace {
namespace {

TEST(Statistics, QuantilesOfStudentAreThoseOfTheTables) {
  // Abramowitz and Stegun, table 26.10; more digits from R's qt(0.975, n).
  EXPECT_NEAR(t_quantile(1), 12.706204736, 1e-8);
  EXPECT_NEAR(t_quantile(2), 4.302652730, 1e-8);
  EXPECT_NEAR(t_quantile(4), 2.776445105, 1e-8);
  EXPECT_NEAR(t_quantile(30), 2.042272456, 1e-8);
  EXPECT_NEAR(t_quantile(1'000'000), 1.959966, 1e-5);
}

TEST(Statistics, AMeanWithItsInterval) {
  // Sum of squares about 3 is 10, so the standard error is sqrt(10 / 4 / 5) = sqrt(0.5).
  const std::vector<double> values = {1, 2, 3, 4, 5};
  const MeanEstimate e = estimate(values);
  EXPECT_EQ(e.n, 5U);
  EXPECT_DOUBLE_EQ(e.mean, 3);
  EXPECT_NEAR(*e.half_width, 2.776445105 * 0.7071067812, 1e-8);
}

TEST(Statistics, OneValueHasNoInterval) {
  const std::vector<double> values = {7};
  EXPECT_EQ(estimate(values).mean, 7);
  EXPECT_FALSE(estimate(values).half_width);
}

TEST(Statistics, EqualValuesHaveNoSpreadAtAll) {
  const std::vector<double> values(5, 0.1);
  EXPECT_EQ(estimate(values).mean, 0.1);
  EXPECT_EQ(*estimate(values).half_width, 0);
}

TEST(Statistics, PairingRemovesWhatThePairHasInCommon) {
  // Differences 1, 2, 3: mean 2, standard error 1 / sqrt(3).
  const std::vector<std::pair<double, double>> pairs = {{101, 100}, {2, 0}, {-47, -50}};
  const MeanEstimate e = paired_difference(pairs);
  EXPECT_DOUBLE_EQ(e.mean, 2);
  EXPECT_NEAR(*e.half_width, 4.302652730 / 1.7320508076, 1e-8);
  EXPECT_TRUE(e.includes_zero()) << "2 - 2.48 < 0";
  const std::vector<std::pair<double, double>> sure = {{101, 100}, {1.1, 0}, {-49.1, -50}};
  EXPECT_FALSE(paired_difference(sure).includes_zero());
}

TEST(Statistics, TheParetoFrontAgreesWithASweepInTwoDimensions) {
  Random random(1, "test");
  for (int round = 0; round < 200; ++round) {
    std::vector<std::vector<double>> points;
    const std::size_t n = 1 + random.below(30);
    for (std::size_t i = 0; i < n; ++i) {  // on a grid, so that many tie
      points.push_back(
          {static_cast<double>(random.below(8)), static_cast<double>(random.below(8))});
    }
    // From left to right, a point is on the front if it is lower than all to its left, and as low
    // as any in its own column.
    std::vector<bool> expected(n, false);
    for (std::size_t i = 0; i < n; ++i) {
      double left = 100;
      double column = 100;
      for (const auto& p : points) {
        if (p[0] < points[i][0]) left = std::min(left, p[1]);
        if (p[0] == points[i][0]) column = std::min(column, p[1]);
      }
      expected[i] = points[i][1] < left && points[i][1] == column;
    }
    EXPECT_EQ(pareto_front(points), expected);
  }
}

TEST(Statistics, InThreeDimensionsAPointMayBeGoodAtOneThing) {
  EXPECT_EQ(pareto_front({{1, 9, 9}, {9, 1, 9}, {9, 9, 1}, {9, 9, 9}, {1, 9, 9}}),
            (std::vector<bool>{true, true, true, false, true}));
}

}  // namespace
}  // namespace terrace
