#include "sim/base/portable_math.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "sim/base/check.hpp"

namespace terrace::portable {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kInverseLn2 = 0x1.71547652b82fep+0;
constexpr double kLn2High = 0x1.62e42fefa3800p-1;  // 42 bits: times any exponent it is exact
constexpr double kLn2Low = 0x1.ef35793c76730p-45;

/// An unevaluated sum, for what a single double cannot hold.
struct Sum {
  double high;
  double low;
};

/// x cut to 26 significant bits: a product of two such numbers is exact, with or without an FMA.
double top_half(double x) {
  return std::bit_cast<double>(std::bit_cast<std::uint64_t>(x) & ~((std::uint64_t{1} << 27U) - 1U));
}

double power_of_two(int exponent) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52U);
}

/// x = mantissa * 2^exponent, with the mantissa in [sqrt(1/2), sqrt(2)): ln stays small around 1.
struct Decomposed {
  double mantissa;
  double exponent;
};

Decomposed decompose(double x) {
  constexpr std::uint64_t kSqrtHalf = 0x3fe6a09e667f3bcd;
  const bool subnormal = x < std::numeric_limits<double>::min();
  const auto bits = std::bit_cast<std::uint64_t>(subnormal ? x * 0x1p54 : x);
  const auto exponent = static_cast<std::int64_t>(bits - kSqrtHalf) >> 52U;
  return {std::bit_cast<double>(bits - (static_cast<std::uint64_t>(exponent) << 52U)),
          static_cast<double>(exponent - (subnormal ? 54 : 0))};
}

/// 3 (z^2/5 + z^3/7 + ... + z^12/25): what ln_sum needs of the series of 3 atanh(s)/s at z = s^2
/// beyond its first two terms. Split in even and odd powers to halve the chain of dependences.
double atanh_tail(double z) {
  const double w = z * z;
  const double even =
      3.0 / 5 + w * (3.0 / 9 + w * (3.0 / 13 + w * (3.0 / 17 + w * (3.0 / 21 + w * (3.0 / 25)))));
  const double odd = 3.0 / 7 + w * (3.0 / 11 + w * (3.0 / 15 + w * (3.0 / 19 + w * (3.0 / 23))));
  return w * (even + z * odd);
}

/// ln(x) to about 63 bits, as pow needs: an error here is multiplied by y. After ln(m) =
/// 2 atanh(s), s = (m - 1) / (m + 1), |s| < 0.172, every rounding error that matters is carried
/// along in a `low`, in the manner of fdlibm's e_pow.c. REQUIRES: 0 < x < infinity.
Sum ln_sum(double x) {
  const auto [m, exponent] = decompose(x);

  const double numerator = m - 1;
  const double denominator = m + 1;
  const double denominator_high = top_half(denominator);
  const double denominator_low = m - (denominator_high - 1);
  const double reciprocal = 1 / denominator;
  const double s = numerator / denominator;
  const double s_high = top_half(s);
  const double s_low =
      ((numerator - s_high * denominator_high) - s_high * denominator_low) * reciprocal;

  // series = 3 + s^2 + tail, so that 2 atanh(s) = 2/3 * s * series.
  const double z_high = s_high * s_high;
  const double z_low = s_low * (s_high + s);
  const double tail = z_low + atanh_tail(z_high + z_low);
  const double series_high = top_half(3 + z_high + tail);
  const double series_low = tail - ((series_high - 3) - z_high);

  const double product = s_high * series_high;
  const double product_error = s_low * series_high + series_low * s;
  const double product_high = top_half(product + product_error);
  const double product_low = product_error - (product_high - product);

  constexpr double kTwoThirds = 2.0 / 3;
  constexpr double kTwoThirdsHigh = 0x1.5555550000000p-1;
  constexpr double kTwoThirdsLow = 0x1.5555555555555p-27;
  const double ln_m_high = kTwoThirdsHigh * product_high;
  const double ln_m_low = kTwoThirdsLow * product_high + kTwoThirds * product_low;

  const double shift = exponent * kLn2High;
  const double high = shift + ln_m_high;
  const double low = ((shift - high) + ln_m_high) + (ln_m_low + exponent * kLn2Low);
  return {high, low};
}

/// e^(x.high + x.low) = 2^k e^r with |r| <= ln(2)/2, e^r by its Taylor series to r^13.
double exp_sum(Sum x) {
  if (!(x.high < 710)) return x.high + kInfinity;  // NaN stays NaN
  if (x.high < -746) return 0;

  constexpr double kRoundToInteger = 0x1.8p52;  // adding it leaves no bits for a fraction
  const double k = (x.high * kInverseLn2 + kRoundToInteger) - kRoundToInteger;
  const double r = (x.high - k * kLn2High) - (k * kLn2Low - x.low);
  const double z = r * r;
  const double even =
      1.0 / 2 +
      z * (1.0 / 24 +
           z * (1.0 / 720 + z * (1.0 / 40320 + z * (1.0 / 3628800 + z * (1.0 / 479001600)))));
  const double odd =
      1.0 / 6 +
      z * (1.0 / 120 +
           z * (1.0 / 5040 + z * (1.0 / 362880 + z * (1.0 / 39916800 + z * (1.0 / 6227020800)))));
  const double power = 1 + (r + z * (even + r * odd));

  const int half = static_cast<int>(k) / 2;  // 2^k itself may be out of range where e^x is not
  return power * power_of_two(half) * power_of_two(static_cast<int>(k) - half);
}

}  // namespace

double ln(double x) {
  if (x > 0 && x < kInfinity) {
    const Sum sum = ln_sum(x);
    return sum.high + sum.low;
  }
  if (x == 0) return -kInfinity;
  return x > 0 ? x : std::numeric_limits<double>::quiet_NaN();
}

double ln1p(double x) {
  // Kahan: 1 + x is rounded to u, but ln(u) / (u - 1) hardly varies, so it may stand for
  // ln(1 + x) / x.
  const double u = 1 + x;
  if (u == 1) return x;
  return u < kInfinity ? ln(u) * (x / (u - 1)) : u;
}

double exp(double x) { return exp_sum({x, 0}); }

double expm1(double x) {
  const double u = exp(x);
  if (!(std::abs(x) < 0.5)) return u - 1;
  return u == 1 ? x : (u - 1) * (x / ln(u));  // the same idea as in ln1p
}

double pow(double x, double y) {
  TERRACE_CHECK(x > 0 && x < kInfinity && std::abs(y) < kInfinity);
  const Sum sum = ln_sum(x);
  const double ln_high = top_half(sum.high);
  const double ln_low = (sum.high - ln_high) + sum.low;
  const double y_high = top_half(y);
  return exp_sum({y_high * ln_high, (y - y_high) * ln_high + y * ln_low});
}

}  // namespace terrace::portable
