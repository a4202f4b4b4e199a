#pragma once

#include <cstdint>

#include "kernels/array.hpp"

namespace terrace::kernels {

/// What of the operands' elements is multiplied.
enum class Multiply : std::uint8_t {
  all_bits,
  tf32,  // of fp32 the leading 10 bits of the mantissa: what tensor cores take
};

/// C = A B^T, as a layer multiplies activations with weights, summed up in fp32. Rows are without
/// gaps. Numbers of fp8 have no scales beside them, and a GPU may sum up their products in less
/// than fp32, as engines ask it to.
/// REQUIRES: a and b of one type; c of any but fp8, whose results need a scale; it overlaps
/// neither; tf32 for operands of fp32 alone.
struct Gemm {
  ConstArray a;  // [m][k]
  ConstArray b;  // [n][k]
  Array c;       // [m][n]
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  Multiply multiply = Multiply::all_bits;
};

/// Throws InvariantViolation if shapes or types contradict each other.
void check(const Gemm& op);

}  // namespace terrace::kernels
