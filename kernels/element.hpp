#pragma once

#include <bit>
#include <cstdint>

/// What a tensor's elements are in memory, and what numbers they stand for. Plain functions without
/// branches: loops over them turn into vector code, and device code can call them as they are.
namespace terrace::kernels {

/// The upper half of a binary32.
struct Bf16 {
  std::uint16_t bits = 0;
};

/// IEEE 754 binary16: 5 bits of exponent, 10 of mantissa.
struct Fp16 {
  std::uint16_t bits = 0;
};

/// 4 bits of exponent, 3 of mantissa, no infinities and one NaN; the largest number is 448
/// (Micikevicius et al., "FP8 formats for deep learning", 2022).
struct Fp8E4m3 {
  std::uint8_t bits = 0;
};

namespace detail {

constexpr std::uint32_t kMagnitude = 0x7fff'ffff;  // of a binary32: all but the sign
constexpr std::uint32_t kQuietNan = 0x7fc0'0000;
constexpr std::uint32_t kInfinity = 0x7f80'0000;

/// A format that has fewer bits than binary32 in both fields.
template <int Mantissa, int Bias>
struct Narrow {
  static constexpr int kShift = 23 - Mantissa;
  static constexpr std::uint32_t kRebias = std::uint32_t{127 - Bias} << 23U;
  static constexpr std::uint32_t kOneExponent = std::uint32_t{1} << 23U;

  /// The binary32 of a finite number without its sign.
  [[gnu::always_inline]] static constexpr std::uint32_t widen(std::uint32_t magnitude) {
    const std::uint32_t in_place = magnitude << kShift;
    // A number below the least normal one lacks the implied leading 1: lend it one, and take it
    // back as a number. That is exact, and quicker than arithmetic on subnormal binary32.
    const bool lends = in_place < kOneExponent;
    const std::uint32_t one = kRebias + kOneExponent;
    const auto lent = std::bit_cast<float>(in_place + (lends ? one : kRebias));
    return std::bit_cast<std::uint32_t>(lent - (lends ? std::bit_cast<float>(one) : 0.0F));
  }

  /// The pattern of the nearest number, ties to the even one, as if there were no largest number.
  [[gnu::always_inline]] static constexpr std::uint32_t round(std::uint32_t magnitude) {
    const std::uint32_t odd = (magnitude >> kShift) & 1U;
    const std::uint32_t half = (std::uint32_t{1} << (kShift - 1)) - 1;
    const std::uint32_t normal = (magnitude - kRebias + half + odd) >> kShift;
    // Where the last bit of a sum with this number is the least subnormal, addition rounds.
    const std::uint32_t align = std::uint32_t{127 + 24 - Bias - Mantissa} << 23U;
    const float sum = std::bit_cast<float>(magnitude) + std::bit_cast<float>(align);
    const std::uint32_t subnormal = std::bit_cast<std::uint32_t>(sum) - align;
    return magnitude < kRebias + kOneExponent ? subnormal : normal;
  }
};

using NarrowFp16 = Narrow<10, 15>;
using NarrowFp8 = Narrow<3, 7>;

}  // namespace detail

[[gnu::always_inline]] constexpr float to_float(float x) { return x; }

[[gnu::always_inline]] constexpr float to_float(Bf16 x) {
  return std::bit_cast<float>(std::uint32_t{x.bits} << 16U);
}

[[gnu::always_inline]] constexpr float to_float(Fp16 x) {
  const std::uint32_t magnitude = x.bits & 0x7fffU;
  const std::uint32_t special = detail::kInfinity | (magnitude << 13U);
  const std::uint32_t bits = magnitude >= 0x7c00U ? special : detail::NarrowFp16::widen(magnitude);
  return std::bit_cast<float>(bits | (x.bits & 0x8000U) << 16U);
}

[[gnu::always_inline]] constexpr float to_float(Fp8E4m3 x) {
  const std::uint32_t magnitude = x.bits & 0x7fU;
  const std::uint32_t bits =
      magnitude == 0x7fU ? detail::kQuietNan : detail::NarrowFp8::widen(magnitude);
  return std::bit_cast<float>(bits | (x.bits & 0x80U) << 24U);
}

/// The nearest number, ties to the even one; NaN stays NaN and keeps its sign. Beyond the largest
/// number bf16 and fp16 go to infinity; fp8 saturates, infinity too, as engines ask of the GPU's
/// conversion when they quantise a cache.
template <class T>
constexpr T round_to(float x);

template <>
[[gnu::always_inline]] constexpr float round_to<float>(float x) {
  return x;
}

template <>
[[gnu::always_inline]] constexpr Bf16 round_to<Bf16>(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const bool is_nan = (bits & detail::kMagnitude) > detail::kInfinity;
  const std::uint32_t nearest = (bits + 0x7fffU + ((bits >> 16U) & 1U)) >> 16U;
  return {static_cast<std::uint16_t>(is_nan ? bits >> 16U | 0x40U : nearest)};
}

template <>
[[gnu::always_inline]] constexpr Fp16 round_to<Fp16>(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t magnitude = bits & detail::kMagnitude;
  const std::uint32_t nearest = detail::NarrowFp16::round(magnitude);
  const std::uint32_t finite = nearest > 0x7c00U ? 0x7c00U : nearest;
  const std::uint32_t code = magnitude > detail::kInfinity ? 0x7e00U : finite;
  return {static_cast<std::uint16_t>(code | (bits >> 16U & 0x8000U))};
}

template <>
[[gnu::always_inline]] constexpr Fp8E4m3 round_to<Fp8E4m3>(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t magnitude = bits & detail::kMagnitude;
  const std::uint32_t nearest = detail::NarrowFp8::round(magnitude);
  const std::uint32_t finite = nearest > 0x7eU ? 0x7eU : nearest;
  const std::uint32_t code = magnitude > detail::kInfinity ? 0x7fU : finite;
  return {static_cast<std::uint8_t>(code | (bits >> 24U & 0x80U))};
}

/// The element types by name, for what is chosen when a program runs.
enum class Element : std::uint8_t { fp32, bf16, fp16, fp8_e4m3 };

template <class T>
constexpr Element kElement = Element::fp32;
template <>
inline constexpr Element kElement<Bf16> = Element::bf16;
template <>
inline constexpr Element kElement<Fp16> = Element::fp16;
template <>
inline constexpr Element kElement<Fp8E4m3> = Element::fp8_e4m3;

constexpr std::int64_t bytes_of(Element type) {
  switch (type) {
    case Element::fp32:
      return 4;
    case Element::bf16:
    case Element::fp16:
      return 2;
    case Element::fp8_e4m3:
      return 1;
  }
  return 0;
}

}  // namespace terrace::kernels
