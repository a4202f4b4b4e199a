#include "sim/base/portable_math.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

#include "sim/base/check.hpp"
#include "sim/base/random.hpp"

namespace terrace {
namespace {

constexpr int kPoints = 20'000;
constexpr double kTolerance = 3e-16;  // as the header promises
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The error of `actual` relative to a reference that carries more bits.
double relative_error(double actual, long double expected) {
  if (expected == 0) return std::abs(actual);
  return static_cast<double>(std::abs((static_cast<long double>(actual) - expected) / expected));
}

double between(Random& random, double low, double high) {
  return low + (high - low) * random.uniform();
}

/// A number from any of the octaves 2^low up to 2^high. Two statements, as C++ leaves the order in
/// which the arguments of one call are drawn to the compiler.
double from_octaves(Random& random, int low, int high) {
  const int exponent = low + static_cast<int>(random.below(static_cast<std::uint64_t>(high - low)));
  return std::ldexp(1 + random.uniform(), exponent);
}

TEST(PortableMath, LnIsAccurateOverAllOctaves) {
  Random random{1, "ln"};
  double worst = 0;
  for (int i = 0; i < kPoints; ++i) {
    const double x = from_octaves(random, -1022, 1024);
    worst = std::max(worst, relative_error(portable::ln(x), std::log(static_cast<long double>(x))));
  }
  EXPECT_LT(worst, kTolerance);
}

TEST(PortableMath, LnIsAccurateAroundOne) {
  Random random{1, "ln around one"};
  double worst = 0;
  for (int i = 0; i < kPoints; ++i) {
    const double x = 1 + (i % 2 == 0 ? 1 : -1) * from_octaves(random, -52, -1);
    worst = std::max(worst, relative_error(portable::ln(x), std::log(static_cast<long double>(x))));
  }
  EXPECT_LT(worst, kTolerance);
}

TEST(PortableMath, LnAtTheEdgesOfItsDomain) {
  EXPECT_EQ(portable::ln(1), 0);
  EXPECT_EQ(portable::ln(0), -kInfinity);
  EXPECT_EQ(portable::ln(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(portable::ln(-1)));
  EXPECT_TRUE(std::isnan(portable::ln(std::nan(""))));
  const double subnormal = std::numeric_limits<double>::denorm_min();
  EXPECT_DOUBLE_EQ(portable::ln(subnormal), std::log(subnormal));
}

TEST(PortableMath, ExpIsAccurateWhereverItIsNormal) {
  Random random{1, "exp"};
  double worst = 0;
  for (int i = 0; i < kPoints; ++i) {
    const double x = i % 2 == 0 ? between(random, -708, 709.7) : between(random, -1, 1);
    worst =
        std::max(worst, relative_error(portable::exp(x), std::exp(static_cast<long double>(x))));
  }
  EXPECT_LT(worst, kTolerance);
}

TEST(PortableMath, ExpAtTheEdgesOfItsRange) {
  EXPECT_EQ(portable::exp(0), 1);
  EXPECT_LT(portable::exp(709.78), kInfinity);
  EXPECT_EQ(portable::exp(709.79), kInfinity);
  EXPECT_EQ(portable::exp(1e300), kInfinity);
  EXPECT_EQ(portable::exp(kInfinity), kInfinity);
  EXPECT_GT(portable::exp(-745.1), 0);
  EXPECT_EQ(portable::exp(-745.2), 0);
  EXPECT_EQ(portable::exp(-kInfinity), 0);
  EXPECT_TRUE(std::isnan(portable::exp(std::nan(""))));
}

TEST(PortableMath, SmallArgumentsSurviveLn1pAndExpm1) {
  Random random{1, "small"};
  double worst_ln1p = 0;
  double worst_expm1 = 0;
  for (int i = 0; i < kPoints; ++i) {
    const double x = (i % 2 == 0 ? 1 : -1) * from_octaves(random, -60, 0);
    const auto exact = static_cast<long double>(x);
    worst_ln1p = std::max(worst_ln1p, relative_error(portable::ln1p(x), std::log1p(exact)));
    worst_expm1 = std::max(worst_expm1, relative_error(portable::expm1(x), std::expm1(exact)));
  }
  EXPECT_LT(worst_ln1p, 5e-16);
  EXPECT_LT(worst_expm1, 5e-16);
  EXPECT_EQ(portable::ln1p(0), 0);
  EXPECT_EQ(portable::expm1(0), 0);
  EXPECT_EQ(portable::ln1p(-1), -kInfinity);
  EXPECT_EQ(portable::ln1p(kInfinity), kInfinity);
  EXPECT_EQ(portable::expm1(1000), kInfinity);
  EXPECT_EQ(portable::expm1(-1000), -1);
}

TEST(PortableMath, PowStaysAccurateWhenTheExponentIsLarge) {
  Random random{1, "pow"};
  double worst = 0;
  for (int i = 0; i < kPoints; ++i) {
    const double x = from_octaves(random, -32, 32);
    const double y = between(random, -708, 709) / std::log(x);
    const long double exact = std::pow(static_cast<long double>(x), static_cast<long double>(y));
    worst = std::max(worst, relative_error(portable::pow(x, y), exact));
  }
  EXPECT_LT(worst, kTolerance);
}

TEST(PortableMath, PowAtSpecialPoints) {
  for (const double x : {1e-300, 0.3, 1.0, 1.7, 123456789.0, 1e300}) {
    EXPECT_EQ(portable::pow(x, 0), 1);
    EXPECT_LT(relative_error(portable::pow(x, 1), static_cast<long double>(x)), kTolerance);
  }
  EXPECT_EQ(portable::pow(1, 1e300), 1);
  EXPECT_EQ(portable::pow(2, 10), 1024);
  EXPECT_EQ(portable::pow(2, 1e300), kInfinity);
  EXPECT_EQ(portable::pow(2, -1e300), 0);
  EXPECT_THROW(portable::pow(0, 1), InvariantViolation);
  EXPECT_THROW(portable::pow(-1, 2), InvariantViolation);
}

/// Any machine, compiler or optimisation level that changes a single bit fails here.
TEST(PortableMath, BitsAreTheSameEverywhere) {
  Random random{1, "bits"};
  std::uint64_t digest = 0;
  const auto digest_of = [&digest](double x) {
    digest = (digest ^ std::bit_cast<std::uint64_t>(x)) * 0x100000001b3;
    digest ^= digest >> 29U;
  };
  for (int i = 0; i < kPoints; ++i) {
    const double x = from_octaves(random, -100, 100);
    const double y = between(random, -20, 20);
    digest_of(portable::ln(x));
    digest_of(portable::exp(y));
    digest_of(portable::pow(x, y / 4));
    digest_of(portable::ln1p(1 / x));
    digest_of(portable::expm1(y / 32));
  }
  EXPECT_EQ(digest, 8057173404764143294U);
}

}  // namespace
}  // namespace terrace
