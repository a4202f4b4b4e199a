#include "sim/base/samplers.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/check.hpp"
#include "sim/base/random.hpp"

namespace terrace {
namespace {

// Seeds are fixed, so these tests never flicker. Bounds are five deviations of the statistic under
// a correct sampler, which thus fails for fewer than one seed in a million.
constexpr int kDraws = 50'000;

template <class Sampler>
std::vector<double> draws(Sampler sampler) {
  Random random{1, "samplers"};
  std::vector<double> values(kDraws);
  for (double& value : values) value = sampler(random);
  return values;
}

/// `kurtosis`, which is 3 for a normal, sets how much the sample variance scatters.
void expect_moments(const std::vector<double>& values, double mean, double variance,
                    double kurtosis) {
  double sum = 0;
  double squares = 0;
  for (const double value : values) {
    sum += value - mean;
    squares += (value - mean) * (value - mean);
  }
  EXPECT_NEAR(sum / kDraws, 0, 5 * std::sqrt(variance / kDraws));
  EXPECT_NEAR(squares / kDraws, variance, 5 * variance * std::sqrt((kurtosis - 1) / kDraws));
}

/// Kolmogorov-Smirnov: P(D > d) = 2 exp(-2 n d^2), which is 1e-6 at d = 2.69 / sqrt(n).
template <class Cdf>
void expect_distribution(std::vector<double> values, Cdf cdf) {
  std::sort(values.begin(), values.end());
  double distance = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double middle_of_step = (static_cast<double>(i) + 0.5) / kDraws;
    distance = std::max(distance, std::abs(cdf(values[i]) - middle_of_step) + 0.5 / kDraws);
  }
  EXPECT_LT(distance, 2.69 / std::sqrt(kDraws));
}

/// Chi-square over the bins of `probabilities`, the last of which takes all larger results too.
/// Bound after Wilson and Hilferty: the cube root of a chi-square variable is nearly normal.
template <class Sampler>
void expect_frequencies(const Sampler& sampler, const std::vector<double>& probabilities) {
  Random random{1, "frequencies"};
  std::vector<int> counts(probabilities.size());
  for (int i = 0; i < kDraws; ++i) {
    ++counts[std::min<std::size_t>(sampler.draw(random), counts.size() - 1)];
  }
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = probabilities[i] * kDraws;
    sum += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  const double degrees = static_cast<double>(counts.size()) - 1;
  const double variance = 2 / (9 * degrees);
  EXPECT_LT(sum, degrees * std::pow(1 - variance + 5 * std::sqrt(variance), 3));
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

TEST(NormalQuantile, InvertsTheDistributionFunction) {
  for (int i = 2; i < 1000; ++i) {
    const double p = std::exp2(-i / 19.0);
    const double x = normal_quantile(p);
    EXPECT_NEAR(normal_cdf(x) / p, 1, 2e-15 * (1 + x * x));  // d ln(cdf) / d ln(x) is about x^2
  }
}

TEST(NormalQuantile, AgreesWithPublishedValues) {
  EXPECT_EQ(normal_quantile(0.5), 0);
  EXPECT_NEAR(normal_quantile(0.25), -0.67448975019608174, 1e-15);
  EXPECT_NEAR(normal_quantile(0.001), -3.0902323061678135, 4e-15);
  EXPECT_NEAR(normal_quantile(1e-20), -9.2623400897984076, 1e-14);
  EXPECT_EQ(normal_quantile(0.875), -normal_quantile(0.125));
  EXPECT_THROW(normal_quantile(0), InvariantViolation);
  EXPECT_THROW(normal_quantile(1), InvariantViolation);
}

TEST(Exponential, HasItsMomentsAndShape) {
  const auto values = draws([](Random& random) { return exponential(random, 3); });
  expect_moments(values, 3, 9, 9);
  expect_distribution(values, [](double x) { return -std::expm1(-x / 3); });
}

TEST(Exponential, UsesOneNumberAndGrowsWithTheMean) {
  Random a{1, "luck"};
  Random b{1, "luck"};
  for (int i = 0; i < 100; ++i) EXPECT_DOUBLE_EQ(10 * exponential(a, 1), exponential(b, 10));
}

TEST(Normal, HasItsMomentsAndShape) {
  const auto values = draws([](Random& random) { return normal(random, -2, 0.5); });
  expect_moments(values, -2, 0.25, 3);
  expect_distribution(values, [](double x) { return normal_cdf((x + 2) / 0.5); });
}

TEST(Gamma, HasItsMomentsForSmallAndLargeShapes) {
  for (const double shape : {0.1, 2.5, 100.0}) {
    const auto values = draws([shape](Random& random) { return gamma(random, shape, 2); });
    expect_moments(values, 2 * shape, 4 * shape, 3 + 6 / shape);
  }
}

TEST(Gamma, OfShapeOneIsExponentialAndOfShapeHalfIsANormalSquared) {
  expect_distribution(draws([](Random& random) { return gamma(random, 1, 3); }),
                      [](double x) { return -std::expm1(-x / 3); });
  expect_distribution(draws([](Random& random) { return gamma(random, 0.5, 2); }),
                      [](double x) { return std::erf(std::sqrt(x / 2)); });
}

TEST(LogNormal, FromMeanAndCvHasThatMeanAndCv) {
  const LogNormal distribution = LogNormal::from_mean_cv(1000, 0.5);
  const auto values = draws([&](Random& random) { return lognormal(random, distribution); });
  const double w = 1 + 0.5 * 0.5;
  expect_moments(values, 1000, 500 * 500, w * w * (w * w + 2 * w + 3) - 3);
}

TEST(LogNormal, FromQuantilesHasThoseQuantiles) {
  const LogNormal distribution = LogNormal::from_p50_p99(200, 4000);
  const auto values = draws([&](Random& random) { return lognormal(random, distribution); });
  const double sigma = std::log(20.0) / 2.3263478740408408;
  expect_distribution(values, [&](double x) { return normal_cdf(std::log(x / 200) / sigma); });
}

TEST(Zipf, HasItsExactFrequencies) {
  for (const double s : {0.0, 0.5, 1.0, 1.0 + 1e-9, 1.2, 4.0}) {
    std::vector<double> probabilities(10);
    double total = 0;
    for (std::size_t i = 0; i < probabilities.size(); ++i) {
      total += probabilities[i] = std::pow(static_cast<double>(i + 1), -s);
    }
    for (double& probability : probabilities) probability /= total;
    SCOPED_TRACE(s);
    expect_frequencies(Zipf{probabilities.size(), s}, probabilities);
  }
}

TEST(Zipf, HasItsExactFrequenciesAmongABillionRanks) {
  const double harmonic = 21.300481502347944;  // the sum of 1/i for i up to 1e9
  std::vector<double> probabilities(21);
  probabilities[20] = 1;
  for (std::size_t i = 0; i < 20; ++i) {
    probabilities[i] = 1 / static_cast<double>(i + 1) / harmonic;
    probabilities[20] -= probabilities[i];
  }
  expect_frequencies(Zipf{1'000'000'000, 1}, probabilities);
}

TEST(Zipf, StaysInRangeAtExtremeParameters) {
  Random random{1, "zipf"};
  for (const double s : {0.0, 0.3, 1.0, 5.0, 50.0, 1e6}) {
    for (const unsigned log_n : {0U, 1U, 52U}) {
      const std::uint64_t n = std::uint64_t{1} << log_n;
      const Zipf zipf{n, s};
      for (int i = 0; i < 100; ++i) EXPECT_LT(zipf.draw(random), n);
    }
  }
  EXPECT_THROW(Zipf(0, 1), InvariantViolation);
  EXPECT_THROW(Zipf(10, -1), InvariantViolation);
  EXPECT_THROW(Zipf(10, std::numeric_limits<double>::infinity()), InvariantViolation);
}

TEST(Discrete, DrawsInProportionToItsWeights) {
  expect_frequencies(Discrete{std::array{2.0, 1.0, 4.0, 3.0}}, {0.2, 0.1, 0.4, 0.3});
}

TEST(Discrete, NeverDrawsAWeightOfZero) {
  Random random{1, "discrete"};
  const Discrete discrete{std::array{0.0, 1.0, 0.0, 1.0, 0.0}};
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(discrete.draw(random) % 2, 1U);
}

TEST(Discrete, RefusesWeightsThatAreNoDistribution) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_THROW(Discrete{std::vector<double>{}}, InvariantViolation);
  for (const double bad : {-1.0, 0.0, std::nan(""), infinity}) {
    EXPECT_THROW((Discrete{std::array{0.0, bad}}), InvariantViolation);
  }
}

/// Any machine, compiler or optimisation level that changes a single bit fails here.
TEST(Samplers, BitsAreTheSameEverywhere) {
  Random random{1, "bits"};
  const Zipf zipf{1'000'000, 0.9};
  std::uint64_t digest = 0;
  for (int i = 0; i < 5000; ++i) {
    for (const double value : {exponential(random, 3), gamma(random, 0.7, 2),
                               lognormal(random, LogNormal::from_mean_cv(1000, 2)),
                               static_cast<double>(zipf.draw(random))}) {
      digest = (digest ^ std::bit_cast<std::uint64_t>(value)) * 0x100000001b3;
      digest ^= digest >> 29U;
    }
  }
  EXPECT_EQ(digest, 567918016542885967U);
}

}  // namespace
}  // namespace terrace
