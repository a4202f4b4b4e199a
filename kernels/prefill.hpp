#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "kernels/paged.hpp"

namespace terrace::kernels {

/// Causal attention of a chunk of each sequence. The cache holds the chunk already, behind what
/// came before: of kv_len tokens the last ones are new, and new token i sees all up to itself, or
/// the last `window` of those. The chunks of a batch are ragged: sequence s has rows indptr[s] to
/// indptr[s + 1] of q and out. One new token each is a PagedDecode.
///
/// What is not finite reaches the rows that see it; sets that multiply tiles may let it reach other
/// rows of the chunk too, but never from a token that no row sees.
///
/// REQUIRES: as PagedDecode; indptr starts at 0, never falls, has one more entry than there are
/// sequences; no chunk is longer than its kv_len.
struct PagedPrefill {
  ConstArray q;  // [row][head][head_dim]
  std::span<const std::int32_t> indptr;
  std::int64_t heads = 0;
  PagedKv kv;
  BlockTable table;
  float scale = 1;
  std::optional<std::int64_t> window;
  Array out;  // shaped as q
};

/// Throws InvariantViolation if the shapes contradict each other.
void check(const PagedPrefill& op);

}  // namespace terrace::kernels
