#pragma once

#include <cstdint>
#include <optional>

#include "kernels/cpu/threads.hpp"
#include "kernels/cpu/vectors.hpp"
#include "kernels/paged.hpp"

namespace terrace::kernels::cpu {

/// Decode attention of any kind: heads / kv_heads rows of queries share a key, and a value is the
/// first `value_dim` numbers of a row of values, which may be the keys themselves.
///
/// The keys of a sequence are cut into chunks of fixed length, so that one long sequence gives work
/// to all threads; each chunk gathers sums and the exponent that they were divided by, and these
/// are merged in the order of the chunks (Dao et al., "Flash-Decoding", 2023).
struct SplitDecode {
  ConstArray q;  // [sequence][head][kv.head_dim]
  std::int64_t heads = 0;
  PagedKv kv;
  std::int64_t value_dim = 0;
  BlockTable table;
  float scale = 1;
  std::optional<std::int64_t> window;
  Array out;  // [sequence][head][value_dim]
};

void run(const SplitDecode& op, Threads& threads, Vectors vectors);

}  // namespace terrace::kernels::cpu
