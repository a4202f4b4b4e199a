#pragma once

#include <bit>
#include <cstdint>

namespace terrace::kernels::cpu {

/// 2^x for x <= 0, to about 2e-7 of itself; 0 below the normal numbers, NaN for NaN. Without
/// branches or calls, so that loops over it become vector code.
[[gnu::always_inline]] inline float exp2_of_negative(float x) {
  constexpr float kLeast = -126;
  const int whole = static_cast<int>(x > kLeast ? x : kLeast);  // NaN converts to -126
  const float rest = x - static_cast<float>(whole);             // in (-1, 0], or of no interest
  // Taylor's series of 2^rest about -1/2, where the first term left out is (ln 2 / 2)^8 / 8! = 5e-9
  // of the sum: its coefficients are 2^-1/2 (ln 2)^i / i!.
  const float r = rest + 0.5F;
  float p = 1.07853115e-5F;
  p = p * r + 1.08919408e-4F;
  p = p * r + 9.42824938e-4F;
  p = p * r + 6.80104431e-3F;
  p = p * r + 3.92473316e-2F;
  p = p * r + 1.69865792e-1F;
  p = p * r + 4.90129072e-1F;
  p = p * r + 7.07106781e-1F;
  const float power = std::bit_cast<float>(static_cast<std::uint32_t>(whole + 127) << 23U);
  return x < kLeast ? 0.0F : p * power;
}

}  // namespace terrace::kernels::cpu
