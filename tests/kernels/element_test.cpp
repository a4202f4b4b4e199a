// Conversions, over all patterns, against the definitions of the formats.

#include "kernels/element.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace terrace::kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

/// sign, exponent and mantissa fields as IEEE 754 reads them.
double value_of(std::uint32_t bits, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int mantissa = static_cast<int>(bits & ((1U << mantissa_bits) - 1));
  const int exponent = static_cast<int>(bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const double sign = (bits >> (exponent_bits + mantissa_bits) & 1U) != 0 ? -1 : 1;
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - mantissa_bits);
  return sign * std::ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits);
}

/// Equal, or both NaN; zeros by their sign, too.
void expect_same(double expected, float actual, std::uint32_t bits) {
  if (std::isnan(expected)) {
    EXPECT_TRUE(std::isnan(actual)) << bits;
  } else {
    EXPECT_EQ(expected, static_cast<double>(actual)) << bits;
    EXPECT_EQ(std::signbit(expected), std::signbit(actual)) << bits;
  }
}

TEST(Elements, Bf16AndFp16PatternsMeanWhatIeee754Says) {
  for (std::uint32_t bits = 0; bits < 0x1'0000; ++bits) {
    const auto pattern = static_cast<std::uint16_t>(bits);
    const auto expected = [&](std::uint32_t infinity, int exponent_bits, int mantissa_bits) {
      const std::uint32_t magnitude = bits & 0x7fffU;
      if (magnitude > infinity) return std::numeric_limits<double>::quiet_NaN();
      if (magnitude == infinity) return static_cast<double>(bits > 0x7fffU ? -kInf : kInf);
      return value_of(bits, exponent_bits, mantissa_bits);
    };
    expect_same(expected(0x7f80, 8, 7), to_float(Bf16{pattern}), bits);
    expect_same(expected(0x7c00, 5, 10), to_float(Fp16{pattern}), bits);
  }
}

TEST(Elements, Fp8PatternsMeanWhatTheirPaperSays) {
  for (std::uint32_t bits = 0; bits < 0x100; ++bits) {
    const bool is_nan = (bits & 0x7fU) == 0x7fU;
    expect_same(is_nan ? std::numeric_limits<double>::quiet_NaN() : value_of(bits, 4, 3),
                to_float(Fp8E4m3{static_cast<std::uint8_t>(bits)}), bits);
  }
  EXPECT_EQ(to_float(Fp8E4m3{0x7e}), 448);
  EXPECT_EQ(to_float(Fp8E4m3{0x01}), 0x1p-9F);
}

/// What each number between two neighbours goes to: the nearer one, halfway the even pattern.
template <class T>
void expect_nearest_up_to(std::uint32_t largest) {
  for (std::uint32_t bits = 0; bits < largest; ++bits) {
    const auto low = static_cast<decltype(T::bits)>(bits);
    const auto high = static_cast<decltype(T::bits)>(bits + 1);
    const float a = to_float(T{low});
    const float b = to_float(T{high});
    const auto middle = static_cast<float>((static_cast<double>(a) + static_cast<double>(b)) / 2);
    const auto even = static_cast<decltype(T::bits)>(bits + (bits & 1U));
    EXPECT_EQ(round_to<T>(a).bits, low);
    EXPECT_EQ(round_to<T>(middle).bits, even) << bits;
    EXPECT_EQ(round_to<T>(std::nextafter(middle, 0.0F)).bits, low) << bits;
    EXPECT_EQ(round_to<T>(std::nextafter(middle, kInf)).bits, high) << bits;
    constexpr std::uint32_t kSign = sizeof(T) == 1 ? 0x80 : 0x8000;
    EXPECT_EQ(round_to<T>(-middle).bits, even | kSign) << bits;
    EXPECT_EQ(round_to<T>(-a).bits, low | kSign) << bits;
  }
}

TEST(Elements, NumbersGoToTheNearestTiesToEven) {
  expect_nearest_up_to<Bf16>(0x7f7f);
  expect_nearest_up_to<Fp16>(0x7bff);
  expect_nearest_up_to<Fp8E4m3>(0x7e);
}

TEST(Elements, BeyondTheLargestNumberIsInfinityOrForFp8TheLargest) {
  const float largest = std::numeric_limits<float>::max();
  EXPECT_EQ(round_to<Bf16>(largest).bits, 0x7f80);
  EXPECT_EQ(round_to<Bf16>(-kInf).bits, 0xff80);
  EXPECT_EQ(round_to<Fp16>(65519.996F).bits, 0x7bff);
  for (const float x : {65520.0F, 65536.0F, 1e6F, largest, kInf}) {
    EXPECT_EQ(round_to<Fp16>(x).bits, 0x7c00) << x;
    EXPECT_EQ(round_to<Fp16>(-x).bits, 0xfc00) << x;
  }
  for (const float x : {449.0F, 464.0F, 480.0F, 512.0F, 1e6F, largest, kInf}) {
    EXPECT_EQ(round_to<Fp8E4m3>(x).bits, 0x7e) << x;
    EXPECT_EQ(round_to<Fp8E4m3>(-x).bits, 0xfe) << x;
  }
}

TEST(Elements, BelowTheLeastNumberIsZeroOfTheSameSign) {
  for (const float x : {0.0F, 0x1p-149F, 0x1p-25F}) {
    EXPECT_EQ(round_to<Fp16>(x).bits, 0);
    EXPECT_EQ(round_to<Fp16>(-x).bits, 0x8000);
    EXPECT_EQ(round_to<Fp8E4m3>(x).bits, 0);
    EXPECT_EQ(round_to<Fp8E4m3>(-x).bits, 0x80);
  }
  EXPECT_EQ(round_to<Fp16>(std::nextafter(0x1p-25F, 1.0F)).bits, 1);
  EXPECT_EQ(round_to<Fp8E4m3>(0x1p-10F).bits, 0);
  EXPECT_EQ(round_to<Fp8E4m3>(std::nextafter(0x1p-10F, 1.0F)).bits, 1);
}

TEST(Elements, NanStaysNan) {
  for (const std::uint32_t bits : {0x7f80'0001U, 0x7fc0'0000U, 0x7fff'ffffU, 0xff80'0001U}) {
    const auto x = std::bit_cast<float>(bits);
    EXPECT_TRUE(std::isnan(to_float(round_to<Bf16>(x))));
    EXPECT_TRUE(std::isnan(to_float(round_to<Fp16>(x))));
    EXPECT_TRUE(std::isnan(to_float(round_to<Fp8E4m3>(x))));
    EXPECT_EQ(round_to<Fp8E4m3>(x).bits >> 7U, bits >> 31U);
  }
}

TEST(Elements, ConversionsAreConstantExpressions) {
  static_assert(to_float(round_to<Fp8E4m3>(0.3F)) == 0.3125F);
  static_assert(to_float(round_to<Fp16>(1.0F / 3)) == 0x1.554p-2F);
  static_assert(to_float(round_to<Bf16>(1.0F / 3)) == 0x1.56p-2F);
  EXPECT_EQ(bytes_of(kElement<Fp8E4m3>), 1);
}

}  // namespace
}  // namespace terrace::kernels
