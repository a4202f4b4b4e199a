#pragma once

#include <cstdint>

#include "kernels/paged.hpp"

namespace terrace::kernels {

/// Attention of one new token per sequence over the paged latent cache, in the absorbed form: the
/// projections that expand a latent to keys and values have been multiplied into the queries and
/// wait for the result (DeepSeek-AI, "DeepSeek-V2", 2024, section 2.1), so that all heads share one
/// key of 576 numbers and one value of 512. A sequence of length 0 gets zeros.
///
/// REQUIRES: each of q and out fp32, bf16 or fp16.
struct MlaDecode {
  ConstArray q;  // [sequence][head][576]
  std::int64_t heads = 0;
  PagedLatent kv;
  BlockTable table;
  float scale = 1;
  Array out;  // [sequence][head][512]
};

/// Throws InvariantViolation if the shapes contradict each other.
void check(const MlaDecode& op);

}  // namespace terrace::kernels
