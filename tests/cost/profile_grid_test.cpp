#include "sim/cost/profile_grid.hpp"

#include <gtest/gtest.h>

namespace terrace {
namespace {

using namespace std::chrono_literals;

ProfileGrid<1> curve(const std::vector<std::pair<std::int64_t, int>>& points) {
  std::vector<ProfileGrid<1>::Point> all;
  for (const auto& [count, us] : points) all.push_back({{count}, std::chrono::microseconds{us}});
  return ProfileGrid<1>(all);
}

TEST(ProfileGrid, GoesThroughItsPointsAndStraightBetweenThem) {
  const ProfileGrid<1> grid = curve({{10, 100}, {1, 10}, {20, 120}});
  EXPECT_EQ(grid.at({1}).time, Duration{10us});
  EXPECT_EQ(grid.at({10}).time, Duration{100us});
  EXPECT_EQ(grid.at({4}).time, Duration{40us});
  EXPECT_EQ(grid.at({15}).time, Duration{110us});
  EXPECT_EQ(grid.at({20}).time, Duration{120us});
  EXPECT_EQ(grid.at({0}).time, Duration{10us});
  EXPECT_FALSE(grid.at({0}).extrapolated);
  EXPECT_FALSE(grid.at({20}).extrapolated);
}

/// The secant from half of the range, since the last two points may stand on one step of tiles.
TEST(ProfileGrid, ContinuesTheUpperHalf) {
  const ProfileGrid<1> grid = curve({{16, 16}, {32, 30}, {48, 60}, {64, 62}});
  EXPECT_EQ(grid.at({96}).time, Duration{94us});
  EXPECT_TRUE(grid.at({96}).extrapolated);
  EXPECT_EQ(curve({{16, 7}}).at({17}).time, Duration{7us});
  EXPECT_TRUE(curve({{16, 7}}).at({17}).extrapolated);
  EXPECT_EQ(curve({{1, 50}, {2, 10}}).at({3}).time, Duration{});  // never before the start
}

TEST(ProfileGrid, LongAxesAreSearched) {
  std::vector<std::pair<std::int64_t, int>> points;
  for (int i = 0; i < 100; ++i) points.emplace_back(3 * i, 5 * i);
  const ProfileGrid<1> grid = curve(points);
  for (int i = 0; i < 99; ++i) {
    EXPECT_EQ(grid.at({3.0 * i}).time, std::chrono::microseconds{5 * i});
    EXPECT_NEAR(seconds(grid.at({3 * i + 1.5}).time), 5e-6 * i + 2.5e-6, 2e-12);
  }
}

/// Products of linear functions are what an interpolation linear on each axis has exactly.
double product(const std::array<double, 4>& x) {
  return (5 + x[0]) * (7 + 2 * x[1]) * (11 + 3 * x[2]) * (13 + x[3]);
}

/// Leaves out one in so many crossings, of those between others on some axis.
ProfileGrid<4> product_grid(int leave_out) {
  std::vector<ProfileGrid<4>::Point> points;
  int number = 0;
  for (const std::int64_t a : {0, 3, 8}) {
    for (const std::int64_t b : {1, 4, 6}) {
      for (const std::int64_t c : {0, 10, 30}) {
        for (const std::int64_t d : {2, 5, 7}) {
          const std::array<std::int64_t, 4> counts{a, b, c, d};
          const double ns = product({static_cast<double>(a), static_cast<double>(b),
                                     static_cast<double>(c), static_cast<double>(d)});
          const bool between = a == 3 || b == 4 || c == 10 || d == 5;
          const bool out = leave_out > 0 && between && number++ % leave_out == 0;
          if (!out) points.emplace_back(counts, duration_from_seconds(ns * 1e-9));
        }
      }
    }
  }
  return ProfileGrid<4>(points);
}

TEST(ProfileGrid, IsLinearOnEveryAxis) {
  for (const int leave_out : {0, 5, 7}) {
    const ProfileGrid<4> grid = product_grid(leave_out);
    for (const double a : {0.0, 1.5, 7.0}) {
      for (const double d : {2.0, 3.25, 7.0}) {
        const std::array<double, 4> at{a, 5, 12.5, d};
        EXPECT_NEAR(seconds(grid.at(at).time) * 1e9, product(at), 1e-6 * product(at));
        EXPECT_FALSE(grid.at(at).extrapolated);
      }
    }
  }
}

TEST(ProfileGrid, TakesTheNearestWhereNothingIsBeyond) {
  // At 1 token no more than 8 experts can be hit.
  const ProfileGrid<2> grid(
      {{{1, 8}, Duration{50us}}, {{4, 8}, Duration{56us}}, {{4, 32}, Duration{234us}}});
  EXPECT_EQ(grid.at({1, 32}).time, Duration{234us});
  EXPECT_EQ(grid.at({1, 20}).time, Duration{142us});
}

}  // namespace
}  // namespace terrace
