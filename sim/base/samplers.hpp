#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/base/random.hpp"

/// Distributions that give the same bits on every machine, unlike those of <random>, which leave
/// the method to the library. Unless said otherwise a sampler inverts the distribution function,
/// uses up exactly one number of the stream, and grows with it: two runs on the same stream but
/// other parameters see the same good and bad luck.
namespace terrace {

/// The quantile function of the standard normal, for p in (0, 1). Relative error about 1e-15
/// (Wichura, "Algorithm AS 241", Applied Statistics 1988).
double normal_quantile(double p);

/// REQUIRES: mean >= 0. At most 36.8 means, as the stream's resolution is 2^-53.
double exponential(Random& random, double mean);

/// REQUIRES: deviation >= 0. Within 8.2 deviations of the mean, for the same reason.
double normal(Random& random, double mean, double deviation);

/// Gamma with mean shape * scale and variance shape * scale^2. Draws by rejection (Marsaglia &
/// Tsang, "A simple method for generating gamma variables", TOMS 2000): deterministic, but uses up
/// two or more numbers, at most 2.1 on average, and one more for shape < 1. Shapes below about
/// 0.05 may underflow to 0. REQUIRES: shape > 0, scale >= 0.
double gamma(Random& random, double shape, double scale);

/// A variable whose logarithm is normal: a plain description of sizes and lengths with a long tail.
struct LogNormal {
  double mu = 0;  // mean and deviation of the logarithm
  double sigma = 0;

  /// REQUIRES: mean > 0; cv, the deviation divided by the mean, >= 0.
  static LogNormal from_mean_cv(double mean, double cv);

  /// From the median and the 99th percentile. REQUIRES: 0 < p50 <= p99.
  static LogNormal from_p50_p99(double p50, double p99);
};

/// The exponential of normal(mu, sigma).
double lognormal(Random& random, LogNormal distribution);

/// Ranks 0 .. n-1, rank i with a probability proportional to (i + 1)^-s.
///
/// Rejection-inversion (Hormann & Derflinger, "Rejection-inversion to generate variates from
/// monotone discrete distributions", TOMACS 1996): invert the integral of x^-s, which is a formula,
/// round to the nearest rank, and refuse just so much that each rank keeps its exact share. O(1)
/// time and memory for any n. Uses up one or more numbers, 1.02 on average at most.
class Zipf {
 public:
  /// REQUIRES: 1 <= n <= 2^52; s >= 0 and finite.
  Zipf(std::uint64_t n, double s);

  [[nodiscard]] std::uint64_t draw(Random& random) const;

 private:
  [[nodiscard]] double density(double x) const;
  [[nodiscard]] double integral(double x) const;
  [[nodiscard]] double inverse_integral(double area) const;

  double n_;
  double s_;
  double first_area_;
  double last_area_;
  double sure_;  // a point at most this far left of its rank needs no test
};

/// Index i with a probability proportional to weights[i]; O(log n) by a cumulative table.
class Discrete {
 public:
  /// REQUIRES: weights are finite and >= 0, and not all 0.
  explicit Discrete(std::span<const double> weights);

  [[nodiscard]] std::size_t draw(Random& random) const;

 private:
  std::vector<double> cumulative_;
};

}  // namespace terrace
