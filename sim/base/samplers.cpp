#include "sim/base/samplers.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "sim/base/check.hpp"
#include "sim/base/portable_math.hpp"

namespace terrace {
namespace {

using Coefficients = std::array<double, 8>;

double polynomial(const Coefficients& c, double x) {
  double sum = 0;
  for (std::size_t i = c.size(); i-- > 0;) sum = sum * x + c[i];
  return sum;
}

/// Uniform on (0, 1), symmetric about 1/2. 52 bits, because 53 would round its top value to 1.
double uniform_open(Random& random) {
  return (static_cast<double>(random.next() >> 12U) + 0.5) * 0x1p-52;
}

double standard_normal(Random& random) { return normal_quantile(uniform_open(random)); }

/// Both ratios have a removable singularity at 0, which Zipf meets at s = 1.
double expm1_ratio(double x) { return x == 0 ? 1 : portable::expm1(x) / x; }
double ln1p_ratio(double x) { return x == 0 ? 1 : portable::ln1p(x) / x; }

}  // namespace

double normal_quantile(double p) {
  constexpr Coefficients kCentreTop{3.3871328727963666080e0,  1.3314166789178437745e+2,
                                    1.9715909503065514427e+3, 1.3731693765509461125e+4,
                                    4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                    3.3430575583588128105e+4, 2.5090809287301226727e+3};
  constexpr Coefficients kCentreBottom{1.0,
                                       4.2313330701600911252e+1,
                                       6.8718700749205790830e+2,
                                       5.3941960214247511077e+3,
                                       2.1213794301586595867e+4,
                                       3.9307895800092710610e+4,
                                       2.8729085735721942674e+4,
                                       5.2264952788528545610e+3};
  constexpr Coefficients kShoulderTop{1.42343711074968357734e0,  4.63033784615654529590e0,
                                      5.76949722146069140550e0,  3.64784832476320460504e0,
                                      1.27045825245236838258e0,  2.41780725177450611770e-1,
                                      2.27238449892691845833e-2, 7.74545014278341407640e-4};
  constexpr Coefficients kShoulderBottom{1.0,
                                         2.05319162663775882187e0,
                                         1.67638483018380384940e0,
                                         6.89767334985100004550e-1,
                                         1.48103976427480074590e-1,
                                         1.51986665636164571966e-2,
                                         5.47593808499534494600e-4,
                                         1.05075007164441684324e-9};
  constexpr Coefficients kTailTop{6.65790464350110377720e0,  5.46378491116411436990e0,
                                  1.78482653991729133580e0,  2.96560571828504891230e-1,
                                  2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                  2.71155556874348757815e-5, 2.01033439929228813265e-7};
  constexpr Coefficients kTailBottom{1.0,
                                     5.99832206555887937690e-1,
                                     1.36929880922735805310e-1,
                                     1.48753612908506148525e-2,
                                     7.86869131145613259100e-4,
                                     1.84631831751005468180e-5,
                                     1.42151175831644588870e-7,
                                     2.04426310338993978564e-15};

  TERRACE_CHECK(p > 0 && p < 1);
  const double from_median = p - 0.5;
  if (std::abs(from_median) <= 0.425) {
    const double r = 0.180625 - from_median * from_median;
    return from_median * polynomial(kCentreTop, r) / polynomial(kCentreBottom, r);
  }
  const double r = std::sqrt(-portable::ln(std::min(p, 1 - p)));
  const double distance =
      r <= 5 ? polynomial(kShoulderTop, r - 1.6) / polynomial(kShoulderBottom, r - 1.6)
             : polynomial(kTailTop, r - 5) / polynomial(kTailBottom, r - 5);
  return from_median < 0 ? -distance : distance;
}

double exponential(Random& random, double mean) {
  TERRACE_CHECK(mean >= 0);
  return -mean * portable::ln(1 - random.uniform());
}

double normal(Random& random, double mean, double deviation) {
  TERRACE_CHECK(deviation >= 0);
  return mean + deviation * standard_normal(random);
}

double gamma(Random& random, double shape, double scale) {
  TERRACE_CHECK(shape > 0 && scale >= 0);
  if (shape < 1) {
    const double boosted = gamma(random, shape + 1, scale);
    return boosted * portable::pow(random.uniform_positive(), 1 / shape);
  }
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = standard_normal(random);
    const double x_squared = x * x;
    const double root = 1 + c * x;
    const double u = random.uniform_positive();
    if (root <= 0) continue;
    const double v = root * root * root;
    if (u < 1 - 0.0331 * x_squared * x_squared) return d * v * scale;  // saves most logarithms
    if (portable::ln(u) < 0.5 * x_squared + d - d * v + d * portable::ln(v)) return d * v * scale;
  }
}

LogNormal LogNormal::from_mean_cv(double mean, double cv) {
  TERRACE_CHECK(mean > 0 && cv >= 0);
  const double variance = portable::ln1p(cv * cv);
  return {portable::ln(mean) - variance / 2, std::sqrt(variance)};
}

LogNormal LogNormal::from_p50_p99(double p50, double p99) {
  TERRACE_CHECK(p50 > 0 && p50 <= p99);
  return {portable::ln(p50), portable::ln(p99 / p50) / normal_quantile(0.99)};
}

double lognormal(Random& random, LogNormal distribution) {
  return portable::exp(normal(random, distribution.mu, distribution.sigma));
}

Zipf::Zipf(std::uint64_t n, double s)
    : n_(static_cast<double>(n)),
      s_(s),
      first_area_(integral(1.5) - 1),  // the leftmost bar is cut to the height of x^-s at 1
      last_area_(integral(n_ + 0.5)),
      sure_(2 - inverse_integral(integral(2.5) - density(2))) {
  TERRACE_CHECK(n >= 1 && n <= (std::uint64_t{1} << 52U));
  TERRACE_CHECK(s >= 0 && s < std::numeric_limits<double>::infinity());
}

double Zipf::density(double x) const { return portable::exp(-s_ * portable::ln(x)); }

/// The integral of t^-s over t from 1 to x: (x^(1-s) - 1) / (1 - s), or ln(x) at s = 1.
double Zipf::integral(double x) const {
  const double ln_x = portable::ln(x);
  return ln_x * expm1_ratio((1 - s_) * ln_x);
}

double Zipf::inverse_integral(double area) const {
  // For s > 1 the area under the whole curve is finite, and rounding may ask for a little more.
  return portable::exp(area * ln1p_ratio(std::max(-1.0, area * (1 - s_))));
}

std::uint64_t Zipf::draw(Random& random) const {
  while (true) {
    const double area = last_area_ + random.uniform() * (first_area_ - last_area_);
    const double x = inverse_integral(area);
    const double rank = std::clamp(std::floor(x + 0.5), 1.0, n_);
    if (rank - x <= sure_ || area >= integral(rank + 0.5) - density(rank)) {
      return static_cast<std::uint64_t>(rank) - 1;
    }
  }
}

Discrete::Discrete(std::span<const double> weights) {
  double total = 0;
  for (const double weight : weights) {
    TERRACE_CHECK(weight >= 0);
    cumulative_.push_back(total += weight);
  }
  TERRACE_CHECK(total > 0 && total < std::numeric_limits<double>::infinity());
}

std::size_t Discrete::draw(Random& random) const {
  // Rounding never lifts uniform() * total up to total, so there is always a larger entry; and the
  // first such entry exceeds the one before it, so its weight is not 0.
  const double target = random.uniform() * cumulative_.back();
  const auto chosen = std::upper_bound(cumulative_.begin(), cumulative_.end(), target);
  return static_cast<std::size_t>(chosen - cumulative_.begin());
}

}  // namespace terrace
