#include "sim/workload/lengths.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/random.hpp"
#include "tests/workload/toy_server.hpp"

namespace terrace {
namespace {

using test::constant_length;
using test::lognormal_length;
using test::uniform_length;

// Fixed seeds; bounds of four deviations at n = 20,000 draws.
constexpr double kSigmas = 4;
constexpr std::size_t kDraws = 20'000;

std::vector<double> lengths_of(const LengthSpec& spec) {
  const LengthSampler sampler(spec);
  const Random random{3, "lengths"};
  std::vector<double> lengths(kDraws);
  for (std::size_t i = 0; i < kDraws; ++i) {
    lengths[i] = static_cast<double>(sampler.draw(random.fork(i)).count());
  }
  return lengths;
}

void expect_moments(const std::vector<double>& lengths, double mean, double deviation,
                    double kurtosis) {
  double sum = 0;
  double squares = 0;
  for (const double length : lengths) {
    sum += length - mean;
    squares += (length - mean) * (length - mean);
  }
  const double variance = deviation * deviation;
  EXPECT_NEAR(sum / kDraws, 0, kSigmas * deviation / std::sqrt(kDraws));
  EXPECT_NEAR(squares / kDraws / variance, 1, kSigmas * std::sqrt((kurtosis - 1) / kDraws));
}

TEST(Lengths, ConstantIsConstant) {
  for (const double length : lengths_of(constant_length(512))) ASSERT_EQ(length, 512);
}

TEST(Lengths, UniformCoversItsRangeEvenly) {
  const std::vector<double> lengths = lengths_of(uniform_length(10, 109));
  EXPECT_EQ(*std::min_element(lengths.begin(), lengths.end()), 10);
  EXPECT_EQ(*std::max_element(lengths.begin(), lengths.end()), 109);
  expect_moments(lengths, 59.5, std::sqrt((100.0 * 100 - 1) / 12), 1.8);
}

TEST(Lengths, LognormalHasItsMeanAndCv) {
  // Kurtosis of a lognormal with w = 1 + cv^2: w^4 + 2 w^3 + 3 w^2 - 3.
  const double w = 1.25;
  expect_moments(lengths_of(lognormal_length(2'000, 0.5)), 2'000, 1'000,
                 w * w * w * w + 2 * w * w * w + 3 * w * w - 3);
}

TEST(Lengths, LognormalHasItsQuantiles) {
  LengthSpec spec;
  spec.distribution = LengthDistribution::lognormal;
  spec.p50 = 1'000;
  spec.p99 = 8'000;
  double below_median = 0;
  double below_tail = 0;
  for (const double length : lengths_of(spec)) {
    below_median += length < 1'000;
    below_tail += length < 8'000;
  }
  EXPECT_NEAR(below_median / kDraws, 0.5, kSigmas * std::sqrt(0.25 / kDraws));
  EXPECT_NEAR(below_tail / kDraws, 0.99, kSigmas * std::sqrt(0.0099 / kDraws));
}

TEST(Lengths, NormalHasItsMomentsFarFromZero) {
  LengthSpec spec;
  spec.distribution = LengthDistribution::normal;
  spec.mean = 5'000;
  spec.stddev = 400;
  expect_moments(lengths_of(spec), 5'000, 400, 3);
}

TEST(Lengths, RoundToTheNearestToken) {
  LengthSpec spec;
  spec.distribution = LengthDistribution::normal;
  for (const auto& [mean, expected] : {std::pair{10.4, 10.0}, {10.6, 11.0}}) {
    spec.mean = mean;
    EXPECT_EQ(lengths_of(spec).front(), expected);
  }
}

TEST(Lengths, NormalBelowOneBecomesOne) {
  LengthSpec spec;
  spec.distribution = LengthDistribution::normal;
  spec.mean = 1;
  spec.stddev = 100;
  double ones = 0;
  for (const double length : lengths_of(spec)) {
    ASSERT_GE(length, 1);
    ones += length == 1;
  }
  // Everything below 1.5, which is 0.005 deviations above the mean.
  EXPECT_NEAR(ones / kDraws, 0.502, kSigmas * std::sqrt(0.25 / kDraws));
}

TEST(Lengths, ZipfFavoursTheShort) {
  LengthSpec spec = uniform_length(100, 109);
  spec.distribution = LengthDistribution::zipf;
  spec.exponent = 1.2;
  std::map<double, double> counts;
  for (const double length : lengths_of(spec)) ++counts[length];
  double total = 0;
  for (int i = 1; i <= 10; ++i) total += std::pow(i, -1.2);
  ASSERT_EQ(counts.size(), 10U);
  for (int i = 1; i <= 10; ++i) {
    const double p = std::pow(i, -1.2) / total;
    EXPECT_NEAR(counts[99 + i] / kDraws, p, kSigmas * std::sqrt(p * (1 - p) / kDraws)) << i;
  }
}

TEST(Lengths, HistogramHasItsFrequencies) {
  LengthSpec spec;
  spec.distribution = LengthDistribution::histogram;
  spec.values = {128, 1'024, 77, 32'768};
  spec.weights = {6, 3, 0, 1};
  std::map<double, double> counts;
  for (const double length : lengths_of(spec)) ++counts[length];
  EXPECT_EQ(counts.count(77), 0U);
  for (std::size_t i = 0; i < 4; ++i) {
    const double p = spec.weights[i] / 10;
    EXPECT_NEAR(counts[static_cast<double>(spec.values[i])] / kDraws, p,
                kSigmas * std::sqrt(p * (1 - p) / kDraws));
  }
}

TEST(Lengths, ClipClampsAndLeavesTheRestAlone) {
  const LengthSpec free = lognormal_length(500, 1.5);
  LengthSpec clipped = free;
  clipped.clip = ClipSpec{Tokens{100}, Tokens{2'000}};
  const std::vector<double> before = lengths_of(free);
  const std::vector<double> after = lengths_of(clipped);
  for (std::size_t i = 0; i < kDraws; ++i) {
    ASSERT_EQ(after[i], std::clamp(before[i], 100.0, 2'000.0));
  }
}

TEST(Lengths, AnyLengthIsBetweenOneTokenAndTheLongestText) {
  for (const double mean : {1e-6, 1e9}) {
    for (const double length : lengths_of(lognormal_length(mean, 100))) {
      ASSERT_GE(length, 1);
      ASSERT_LE(length, static_cast<double>(kLongestText.count()));
    }
  }
}

TEST(Gaps, HaveTheirMeanAndCv) {
  const Random random{3, "gaps"};
  const struct {
    GapSpec spec;
    double cv = 0;
  } cases[] = {{{GapDistribution::constant, std::chrono::seconds(3), 1}, 0},
               {{GapDistribution::exponential, std::chrono::seconds(3), 1}, 1},
               {{GapDistribution::lognormal, std::chrono::seconds(3), 0.5}, 0.5}};
  for (const auto& [spec, cv] : cases) {
    const GapSampler sampler(spec);
    double sum = 0;
    double squares = 0;
    for (std::size_t i = 0; i < kDraws; ++i) {
      const double gap = seconds(sampler.draw(random.fork(i))) - 3;
      sum += gap;
      squares += gap * gap;
    }
    EXPECT_NEAR(sum / kDraws, 0, kSigmas * 3 * cv / std::sqrt(kDraws));
    // The exponential has the greater kurtosis of the two, 9.
    EXPECT_NEAR(squares / kDraws, 9 * cv * cv, kSigmas * 9 * cv * cv * std::sqrt(8.0 / kDraws));
  }
}

TEST(Gaps, RoundToTheNearestPicosecondAndSaturate) {
  EXPECT_EQ(nearest_picosecond(0), Duration{0});
  EXPECT_EQ(nearest_picosecond(0.49), Duration{0});
  EXPECT_EQ(nearest_picosecond(0.5), Duration{1});
  EXPECT_EQ(nearest_picosecond(1e12), Duration{1'000'000'000'000});
  EXPECT_EQ(nearest_picosecond(1e19), Duration::max());
}

}  // namespace
}  // namespace terrace
