#include "sim/base/quantile.hpp"

#include <gtest/gtest.h>

namespace terrace {
namespace {

TEST(Quantile, LiesBetweenItsNeighbours) {
  EXPECT_EQ(interpolated_quantile({30, 10, 20}, 0), 10);
  EXPECT_EQ(interpolated_quantile({30, 10, 20}, 0.5), 20);
  EXPECT_EQ(interpolated_quantile({30, 10, 20}, 1), 30);
  EXPECT_EQ(interpolated_quantile({40, 10, 20, 30}, 0.5), 25);
  EXPECT_EQ(interpolated_quantile({7}, 0.9), 7);
}

TEST(Quantile, OfTheNearestRankIsAValue) {
  EXPECT_EQ(nearest_quantile({30, 10, 20}, 0), 10);
  EXPECT_EQ(nearest_quantile({30, 10, 20}, 0.5), 20);
  EXPECT_EQ(nearest_quantile({40, 10, 20, 30}, 0.5), 30) << "of two, the larger";
  EXPECT_EQ(nearest_quantile({40, 10, 20, 30}, 0.9), 40);
}

}  // namespace
}  // namespace terrace
