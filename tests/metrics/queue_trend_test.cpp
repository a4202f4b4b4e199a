#include "sim/metrics/queue_trend.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace terrace {
namespace {

using namespace std::chrono_literals;

TEST(QueueTrend, OfNothingIsZero) {
  const QueueTrend trend;
  EXPECT_EQ(trend.early(), 0);
  EXPECT_EQ(trend.late(), 0);
}

TEST(QueueTrend, OfFewRequestsIsExact) {
  QueueTrend trend;
  for (std::uint64_t i = 0; i < 9; ++i) trend.add(i, i * 1s);
  EXPECT_DOUBLE_EQ(trend.early(), 1);  // 0, 1, 2
  EXPECT_DOUBLE_EQ(trend.late(), 7);   // 6, 7, 8
}

TEST(QueueTrend, GoesByOrderOfArrivalNotOfLeaving) {
  QueueTrend trend;
  for (std::uint64_t i = 9; i-- > 0;) trend.add(i, i * 1s);
  EXPECT_DOUBLE_EQ(trend.early(), 1);
  EXPECT_DOUBLE_EQ(trend.late(), 7);
}

TEST(QueueTrend, KeepsItsMeansWhenBinsWiden) {
  for (const std::uint64_t n : {64U, 65U, 1'000U, 12'345U, 1'000'000U}) {
    QueueTrend trend;
    for (std::uint64_t i = 0; i < n; ++i)
      trend.add(i, Duration{1s} * static_cast<int>(i) / static_cast<int>(n));
    EXPECT_NEAR(trend.early(), 1.0 / 6, 0.02) << n;
    EXPECT_NEAR(trend.late(), 5.0 / 6, 0.02) << n;
  }
}

}  // namespace
}  // namespace terrace
