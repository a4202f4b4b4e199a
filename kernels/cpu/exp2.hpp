#pragma once

#include <bit>
#include <cstdint>

#include "kernels/cpu/vectors.hpp"

namespace terrace::kernels::cpu {

/// 2^x by lanes, for x <= 0, to about 2e-7 of itself; 0 below the normal numbers, NaN for NaN.
template <int Lanes>
[[gnu::always_inline]] inline Floats<Lanes> exp2_of_negative(const Floats<Lanes>& x) {
  using Ints = typename Register<Lanes>::Ints;
  const Floats<Lanes> least = Floats<Lanes>{} - 126.0F;
  const Ints whole = __builtin_convertvector(x > least ? x : least, Ints);  // NaN becomes -126
  const Floats<Lanes> rest = x - __builtin_convertvector(whole, Floats<Lanes>);
  // Taylor's series of 2^rest, which is in (-1, 0], about -1/2: coefficients are
  // 2^-1/2 (ln 2)^i / i!. The first term left out is (ln 2 / 2)^8 / 8! = 5e-9 of the sum.
  const Floats<Lanes> r = rest + 0.5F;
  Floats<Lanes> p = 1.07853115e-5F * r + 1.08919408e-4F;
  p = p * r + 9.42824938e-4F;
  p = p * r + 6.80104431e-3F;
  p = p * r + 3.92473316e-2F;
  p = p * r + 1.69865792e-1F;
  p = p * r + 4.90129072e-1F;
  p = p * r + 7.07106781e-1F;
  const auto power = std::bit_cast<Floats<Lanes>>((whole + 127) << 23);
  return x < least ? Floats<Lanes>{} : p * power;
}

inline float exp2_of_negative(float x) { return exp2_of_negative<4>(Floats<4>{x, x, x, x})[0]; }

}  // namespace terrace::kernels::cpu
