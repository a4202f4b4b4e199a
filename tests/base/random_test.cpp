#include "sim/base/random.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

/// Upper bound of a chi-square variable at five deviations (one false alarm in 3.5 million seeds),
/// after Wilson and Hilferty: its cube root is nearly normal.
double chi_square_bound(double degrees) {
  const double variance = 2 / (9 * degrees);
  return degrees * std::pow(1 - variance + 5 * std::sqrt(variance), 3);
}

double chi_square_of_equals(const std::vector<int>& counts, int total) {
  const double expected = static_cast<double>(total) / static_cast<double>(counts.size());
  double sum = 0;
  for (const int count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

/// Correlation of n uniform pairs, in units of its own standard deviation.
double correlation_sigmas(Random a, Random b, int n) {
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += (a.uniform() - 0.5) * (b.uniform() - 0.5);
  return sum / n * 12 * std::sqrt(n);
}

TEST(Philox, AgreesWithTheKnownAnswersOfRandom123) {
  constexpr std::uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {0, 0}),
            (PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32_10({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(
      philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
      (PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

/// The numbers come from an independent implementation of the scheme in the header.
TEST(Random, AStreamIsTheSameForever) {
  Random random{42, "workload/poisson"};
  EXPECT_EQ(random.next(), 6944700164215542626U);
  EXPECT_EQ(random.next(), 2193505524933790727U);
  EXPECT_EQ(random.next(), 10859208304113836273U);
  EXPECT_EQ(random.fork(7).next(), 8748693099918540845U);
  EXPECT_EQ(random.fork("sizes").next(), 13465208062686170870U);
}

TEST(Random, SeedAndNameEachSelectAStream) {
  Random random{42, "a"};
  Random same{42, "a"};
  Random other_seed{43, "a"};
  Random other_name{42, "b"};
  const std::uint64_t first = random.next();
  EXPECT_EQ(first, same.next());
  EXPECT_NE(first, other_seed.next());
  EXPECT_NE(first, other_name.next());
}

TEST(Random, StreamsAreUncorrelated) {
  const Random base{1, "a"};
  constexpr int kDraws = 50'000;
  EXPECT_LT(std::abs(correlation_sigmas(base, Random{1, "b"}, kDraws)), 5);
  EXPECT_LT(std::abs(correlation_sigmas(base, Random{2, "a"}, kDraws)), 5);
  EXPECT_LT(std::abs(correlation_sigmas(base, base.fork(0), kDraws)), 5);
  EXPECT_LT(std::abs(correlation_sigmas(base.fork(0), base.fork(1), kDraws)), 5);
}

TEST(Random, AForkDoesNotDependOnHowMuchWasDrawn) {
  Random random{42, "requests"};
  const std::uint64_t early = random.fork(3).next();
  for (int i = 0; i < 5; ++i) random.next();
  EXPECT_EQ(random.fork(3).next(), early);
  EXPECT_NE(random.fork(4).next(), early);
  EXPECT_NE(random.fork(3).fork(3).next(), early);
}

TEST(Random, TheFirstDrawsOfForksAreUniform) {
  const Random random{42, "requests"};
  constexpr int kForks = 100'000;
  std::vector<int> counts(256);
  for (std::uint64_t i = 0; i < kForks; ++i) ++counts[random.fork(i).next() >> 56U];
  EXPECT_LT(chi_square_of_equals(counts, kForks), chi_square_bound(255));
}

TEST(Random, UniformFillsItsIntervalEvenly) {
  Random random{42, "uniform"};
  constexpr int kDraws = 200'000;
  std::vector<int> counts(1000);
  for (int i = 0; i < kDraws; ++i) {
    const double u = random.uniform();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    ++counts[static_cast<std::size_t>(u * 1000)];
  }
  EXPECT_LT(chi_square_of_equals(counts, kDraws), chi_square_bound(999));
}

TEST(Random, UniformPositiveIsUniformShiftedByOneStep) {
  Random left{42, "uniform"};
  Random right{42, "uniform"};
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(right.uniform_positive(), left.uniform() + 0x1p-53);
}

TEST(Random, EachBitIsSetHalfOfTheTime) {
  Random random{42, "bits"};
  constexpr int kDraws = 20'000;
  std::array<int, 64> ones{};
  for (int i = 0; i < kDraws; ++i) {
    const std::uint64_t bits = random.next();
    for (unsigned bit = 0; bit < 64; ++bit) ones[bit] += static_cast<int>(bits >> bit & 1U);
  }
  const double five_sigma = 5 * std::sqrt(kDraws / 4.0);
  for (const int count : ones) EXPECT_NEAR(count, kDraws / 2.0, five_sigma);
}

TEST(Random, BelowIsUnbiased) {
  Random random{42, "below"};
  constexpr int kDraws = 100'000;
  std::vector<int> counts(3);
  for (int i = 0; i < kDraws; ++i) ++counts[random.below(3)];
  EXPECT_LT(chi_square_of_equals(counts, kDraws), chi_square_bound(2));
}

/// 2^64 / n = 4/3 here: without rejection every third result would come up twice as often.
TEST(Random, BelowIsUnbiasedWhereRejectionMatters) {
  Random random{42, "below"};
  constexpr std::uint64_t kThirds = std::uint64_t{1} << 62U;
  constexpr int kDraws = 30'000;
  std::vector<int> counts(3);
  for (int i = 0; i < kDraws; ++i) ++counts[random.below(3 * kThirds) % 3];
  EXPECT_LT(chi_square_of_equals(counts, kDraws), chi_square_bound(2));
}

TEST(Random, BelowAtItsEdges) {
  Random random{42, "below"};
  EXPECT_EQ(random.below(1), 0U);
  EXPECT_LT(random.below(~std::uint64_t{0}), ~std::uint64_t{0});
  EXPECT_THROW(random.below(0), InvariantViolation);
}

}  // namespace
}  // namespace terrace
