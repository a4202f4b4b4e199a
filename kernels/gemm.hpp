#pragma once

#include <cstdint>

#include "kernels/array.hpp"

namespace terrace::kernels {

/// C = A B^T, as a layer multiplies activations with weights, summed up in fp32. Rows are without
/// gaps. REQUIRES: a and b of one type, fp32 or bf16; c fp32 or bf16; it overlaps neither.
struct Gemm {
  ConstArray a;  // [m][k]
  ConstArray b;  // [n][k]
  Array c;       // [m][n]
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
};

/// Throws InvariantViolation if the shapes contradict each other.
void check(const Gemm& op);

}  // namespace terrace::kernels
