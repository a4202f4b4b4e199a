#pragma once

#include <cstdint>
#include <optional>

#include "kernels/paged.hpp"

namespace terrace::kernels {

/// Attention of one new token per sequence over its paged cache, which holds that token already:
/// softmax(scale * q k^T) v, by head. Query head h reads kv head h / (heads / kv_heads), which
/// makes it MHA, GQA or MQA. With a window only the last `window` tokens are seen, the new one
/// among them. A sequence of length 0 gets zeros.
///
/// REQUIRES: heads a multiple of kv_heads; head_dim a multiple of 16; each of q and out fp32, bf16
/// or fp16. Nothing outside the seen tokens is read into the result.
struct PagedDecode {
  ConstArray q;  // [sequence][head][head_dim]
  std::int64_t heads = 0;
  PagedKv kv;
  BlockTable table;
  float scale = 1;
  std::optional<std::int64_t> window;
  Array out;  // shaped as q
};

/// Throws InvariantViolation if the shapes contradict each other.
void check(const PagedDecode& op);

}  // namespace terrace::kernels
