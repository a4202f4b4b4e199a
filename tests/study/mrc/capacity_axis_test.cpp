#include "sim/study/mrc/capacity_axis.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace terrace {
namespace {

using ::testing::ElementsAre;

TEST(CapacityAxis, StepsAtEqualRatios) {
  EXPECT_THAT(geometric_capacities(1, 1000, 4), ElementsAre(1, 10, 100, 1000));
  EXPECT_THAT(geometric_capacities(8, 128, 5), ElementsAre(8, 16, 32, 64, 128));
  EXPECT_THAT(geometric_capacities(5, 5, 24), ElementsAre(5));
  EXPECT_THAT(geometric_capacities(5, 50, 1), ElementsAre(50));
}

TEST(CapacityAxis, FromNothingBeginsWithNothing) {
  EXPECT_THAT(geometric_capacities(0, 1 << 20, 3), ElementsAre(0, 1 << 10, 1 << 20));
  EXPECT_THAT(geometric_capacities(0, 3, 24), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(geometric_capacities(0, 0, 24), ElementsAre(0));
}

TEST(Knee, IsFarthestAboveTheChord) {
  const std::int64_t capacities[] = {1, 10, 100, 1000, 10'000};
  const double concave[] = {0.0, 0.3, 0.8, 0.9, 1.0};  // above the chord: 0.05, 0.3, 0.15
  EXPECT_EQ(knee(capacities, concave), 2U);
  const double straight[] = {0.0, 0.25, 0.5, 0.75, 1.0};
  EXPECT_EQ(knee(capacities, straight), std::nullopt);
  const double convex[] = {0.0, 0.1, 0.2, 0.3, 1.0};
  EXPECT_EQ(knee(capacities, convex), std::nullopt);
}

TEST(Knee, LeavesOutACapacityWithoutLogarithm) {
  const std::int64_t capacities[] = {0, 1, 10, 100};
  const double hits[] = {0.0, 0.1, 0.9, 1.0};
  EXPECT_EQ(knee(capacities, hits), 2U);
  EXPECT_EQ(knee({}, {}), std::nullopt);
}

TEST(Reaching, IsTheFirstThatDoes) {
  const double hits[] = {0.1, 0.4, 0.5, 0.45};
  EXPECT_EQ(reaching(0.5, 0.8, hits), 1U);
  EXPECT_EQ(reaching(0.9, 0.8, hits), std::nullopt);
  EXPECT_EQ(reaching(0.5, 0, hits), std::nullopt);
}

}  // namespace
}  // namespace terrace
