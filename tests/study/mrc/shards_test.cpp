// SHARDS against the exact curve, within the error it states itself.

#include "sim/study/mrc/shards.hpp"

#include <cmath>
#include <cstdint>

#include <gtest/gtest.h>

#include "sim/study/mrc/lru_curve.hpp"
#include "tests/study/mrc/streams.hpp"

namespace terrace {
namespace {

using tests::kGoOn;

TEST(Shards, WithEveryBlockIsExact) {
  const BlockStream stream = tests::single_reads(tests::zipf(2'000, 30'000, 0.9, 1));
  const LruCurve exact(stream, kGoOn);
  const ShardsCurve all(stream, {1, 0, 3}, kGoOn);
  const ShardsCurve roomy(stream, {1, 2'000, 3}, kGoOn);
  for (std::int64_t capacity = 0; capacity <= 2'001; capacity += 29) {
    EXPECT_EQ(all.at(capacity), exact.at(capacity)) << capacity;
    EXPECT_EQ(roomy.at(capacity), exact.at(capacity)) << capacity;
  }
  EXPECT_EQ(all.error(500), 0);
  EXPECT_EQ(all.sampled(), 30'000);
}

/// How many stated standard errors lie between the estimate and the truth: the mean of the squares
/// over capacities and hashes would be 1 for a bar that is right and normal.
struct Deviation {
  double worst = 0;
  double mean_square = 0;
  double mean_off = 0;  // of the hit ratio
};

Deviation deviation(const BlockStream& stream, const ShardsOptions& options, int hashes) {
  const LruCurve exact(stream, kGoOn);
  const auto reads = static_cast<double>(stream.accesses.size());
  Deviation d;
  int count = 0;
  for (int hash = 0; hash < hashes; ++hash) {
    ShardsOptions one = options;
    one.seed = static_cast<std::uint64_t>(hash);
    const ShardsCurve curve(stream, one, kGoOn);
    for (std::int64_t capacity = 500; capacity < 50'000; capacity *= 2) {
      const double off = static_cast<double>(curve.at(capacity).blocks - exact.at(capacity).blocks);
      const double bars = std::abs(off) / curve.error(capacity);
      d.worst = std::max(d.worst, bars);
      d.mean_off += std::abs(off) / reads;
      d.mean_square += bars * bars;
      ++count;
    }
  }
  d.mean_square /= count;
  d.mean_off /= count;
  return d;
}

TEST(Shards, ErrsAsItSaysOnZipf) {
  const BlockStream stream = tests::single_reads(tests::zipf(50'000, 400'000, 0.9, 11));
  const Deviation fixed_rate = deviation(stream, {0.05, 0, 0}, 10);
  EXPECT_LT(fixed_rate.worst, 6);  // Student's t with 7 degrees of freedom, 70 times
  EXPECT_LT(fixed_rate.mean_square, 3);
  EXPECT_GT(fixed_rate.mean_square, 0.1) << "the bar is far too long";
  EXPECT_LT(fixed_rate.mean_off, 0.02);

  const Deviation fixed_size = deviation(stream, {1, 2'000, 0}, 10);
  EXPECT_LT(fixed_size.worst, 6);
  EXPECT_LT(fixed_size.mean_square, 3);
  EXPECT_LT(fixed_size.mean_off, 0.02);
}

TEST(Shards, FixedSizeKeepsItsSize) {
  const BlockStream stream = tests::single_reads(tests::zipf(50'000, 200'000, 0.8, 5));
  const ShardsCurve curve(stream, {1, 1'000, 0}, kGoOn);
  EXPECT_LT(curve.rate(), 0.04) << "1,000 of the more than 30,000 blocks that occur";
  EXPECT_GT(curve.rate(), 0.01);
}

TEST(Shards, NothingHitsInNoSpace) {
  const BlockStream stream = tests::single_reads(tests::zipf(500, 5'000, 1, 5));
  const ShardsCurve curve(stream, {0.5, 0, 0}, kGoOn);
  EXPECT_EQ(curve.at(0), HitCounts{});
  EXPECT_EQ(curve.error(0), 0);
}

}  // namespace
}  // namespace terrace
