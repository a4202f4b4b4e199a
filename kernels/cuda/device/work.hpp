#pragma once

#include <cstdint>

/// Lists by which the host divides work, and the device finds its own.
namespace terrace::kernels::cuda {

/// Keys [first, last) of a sequence: what one block attends to. Those of a sequence that has
/// several leave partial sums, which are merged (Dao et al., "Flash-Decoding", 2023).
struct Chunk {
  std::int32_t sequence = 0;
  std::int32_t first = 0;
  std::int32_t last = 0;
  std::int32_t alone = 0;  // its result is the sequence's
};

/// The chunks [first, last) of a sequence that has several.
struct Parts {
  std::int32_t sequence = 0;
  std::int32_t first = 0;
  std::int32_t last = 0;
};

/// Some rows of a chunk of new tokens. Rows of a kv head are numbered [token][head of the group].
struct RowRange {
  std::int32_t sequence = 0;
  std::int32_t first = 0;     // row of the chunk
  std::int32_t rows = 0;      // of the chunk, in all
  std::int32_t token = 0;     // where the chunk begins in q and out
  std::int32_t position = 0;  // of its first token in the sequence
};

}  // namespace terrace::kernels::cuda
