#include "sim/base/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/check.hpp"
#include "sim/base/random.hpp"

namespace terrace {
namespace {

constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();

/// Values spread evenly over all octaves up to 2^octaves.
std::vector<std::int64_t> values_over(std::uint64_t octaves, std::size_t count) {
  Random random{1, "histogram"};
  std::vector<std::int64_t> values(count);
  for (std::int64_t& value : values) {
    value = static_cast<std::int64_t>(random.next() >> (64 - random.below(octaves) - 1));
  }
  return values;
}

void expect_equal(const Histogram& a, const Histogram& b) {
  EXPECT_EQ(a.count(), b.count());
  EXPECT_TRUE(a.sum() == b.sum());
  EXPECT_EQ(a.min(), b.min());
  EXPECT_EQ(a.max(), b.max());
  for (int i = 0; i <= 100; ++i) EXPECT_EQ(a.quantile(i / 100.0), b.quantile(i / 100.0));
}

TEST(Histogram, StartsEmpty) {
  Histogram histogram;
  EXPECT_TRUE(histogram.empty());
  EXPECT_EQ(histogram.count(), 0);
  EXPECT_TRUE(histogram.sum() == 0);
  EXPECT_THROW((void)histogram.min(), InvariantViolation);
  EXPECT_THROW((void)histogram.max(), InvariantViolation);
  EXPECT_THROW((void)histogram.mean(), InvariantViolation);
  EXPECT_THROW((void)histogram.quantile(0.5), InvariantViolation);

  histogram.add(7, 0);
  EXPECT_TRUE(histogram.empty());
}

TEST(Histogram, OfASingleValueIsThatValueThroughout) {
  for (const std::int64_t value : {std::int64_t{0}, std::int64_t{4095}, std::int64_t{4097},
                                   std::int64_t{123'456'789'012}, kHuge}) {
    Histogram histogram;
    histogram.add(value);
    for (const double q : {0.0, 1e-9, 0.5, 1.0}) EXPECT_EQ(histogram.quantile(q), value);
    EXPECT_EQ(histogram.mean(), static_cast<double>(value));
  }
}

TEST(Histogram, QuantilesOfSmallValuesAreExactNearestRanks) {
  Histogram histogram;
  for (std::int64_t value = 1; value <= 100; ++value) histogram.add(value * 40);
  for (std::int64_t percent = 1; percent <= 100; ++percent) {
    EXPECT_EQ(histogram.quantile(static_cast<double>(percent) / 100), percent * 40);
  }
  EXPECT_EQ(histogram.quantile(0), 40);
  EXPECT_EQ(histogram.quantile(0.0101), 80);
}

TEST(Histogram, EveryQuantileIsWithinItsRelativeError) {
  for (const std::uint64_t octaves : {11U, 12U, 13U, 40U, 63U}) {
    auto values = values_over(octaves, 10'000);
    Histogram histogram;
    for (const std::int64_t value : values) histogram.add(value);
    std::sort(values.begin(), values.end());

    EXPECT_EQ(histogram.min(), values.front());
    EXPECT_EQ(histogram.max(), values.back());
    for (std::size_t rank = 1; rank <= values.size(); rank += 97) {
      const auto exact = static_cast<double>(values[rank - 1]);
      const double q = static_cast<double>(rank) / static_cast<double>(values.size());
      const auto estimate = static_cast<double>(histogram.quantile(q));
      ASSERT_LE(std::abs(estimate - exact), exact < 4096 ? 0 : exact * 0x1p-12);
    }
  }
}

TEST(Histogram, BucketsMeetWithoutGapOrOverlap) {
  for (int octave = 11; octave < 63; ++octave) {
    const std::int64_t edge = std::int64_t{1} << octave;
    Histogram histogram;
    histogram.add(0);
    histogram.add(edge - 1);
    histogram.add(edge);
    histogram.add(kHuge);
    EXPECT_LT(histogram.quantile(0.5), edge);
    EXPECT_GE(histogram.quantile(0.75), edge);
  }
}

TEST(Histogram, AWeightIsARepetition) {
  Histogram weighted;
  Histogram repeated;
  for (const std::int64_t value : values_over(50, 500)) {
    const std::int64_t weight = value % 5;
    weighted.add(value, weight);
    for (std::int64_t i = 0; i < weight; ++i) repeated.add(value);
  }
  expect_equal(weighted, repeated);
}

TEST(Histogram, MergingIsAddingEverything) {
  Histogram all;
  Histogram low;
  Histogram high;
  for (const std::int64_t value : values_over(60, 2000)) {
    all.add(value);
    (value < 1'000'000'000 ? low : high).add(value);
  }
  Histogram merged = low;
  merged.merge(high);
  merged.merge(Histogram{});
  expect_equal(merged, all);

  high.merge(low);
  expect_equal(high, all);

  Histogram from_nothing;
  from_nothing.merge(all);
  expect_equal(from_nothing, all);
}

TEST(Histogram, MergingWithItselfDoublesEveryWeight) {
  Histogram doubled;
  Histogram twice;
  for (const std::int64_t value : values_over(40, 200)) {
    doubled.add(value);
    twice.add(value, 2);
  }
  doubled.merge(doubled);
  expect_equal(doubled, twice);
}

TEST(Histogram, HugeValuesAndWeightsKeepAnExactSum) {
  Histogram histogram;
  histogram.add(kHuge, kHuge - 2);
  histogram.add(kHuge);
  histogram.add(0);
  EXPECT_EQ(histogram.count(), kHuge);
  EXPECT_TRUE(histogram.sum() == Histogram::Sum{kHuge} * (kHuge - 1));
  EXPECT_DOUBLE_EQ(histogram.mean(), 0x1p63);
  EXPECT_EQ(histogram.quantile(0), 0);
  EXPECT_EQ(histogram.quantile(1), kHuge);
  EXPECT_NEAR(static_cast<double>(histogram.quantile(0.5)), 0x1p63, 0x1p51);
}

TEST(Histogram, RefusesWhatItCannotCount) {
  Histogram histogram;
  EXPECT_THROW(histogram.add(-1), InvariantViolation);
  EXPECT_THROW(histogram.add(1, -1), InvariantViolation);
  histogram.add(1);
  EXPECT_THROW((void)histogram.quantile(1.1), InvariantViolation);
  EXPECT_THROW((void)histogram.quantile(std::nan("")), InvariantViolation);
}

}  // namespace
}  // namespace terrace
