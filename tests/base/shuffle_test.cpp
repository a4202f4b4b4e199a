#include "sim/base/shuffle.hpp"

#include <map>
#include <vector>

#include <gtest/gtest.h>

namespace terrace {
namespace {

TEST(Shuffle, MakesEveryOrderAsOften) {
  constexpr int kTimes = 24'000;
  Random random(1, "shuffle");
  std::map<std::vector<int>, int> seen;
  for (int i = 0; i < kTimes; ++i) {
    std::vector<int> items = {1, 2, 3, 4};
    shuffle(items, random);
    ++seen[items];
  }
  EXPECT_EQ(seen.size(), 24U);
  // Each 1000 times, with a standard deviation of 31: beyond five of them once in 10^5.
  for (const auto& [order, times] : seen) EXPECT_NEAR(times, 1000, 155);
}

}  // namespace
}  // namespace terrace
