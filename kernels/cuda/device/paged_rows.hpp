#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/device/machine.hpp"

namespace terrace::kernels::cuda {

/// Paged keys and values in global memory. Strides are in bytes, multiples of 16.
struct PagedRows {
  const std::byte* keys = nullptr;
  const std::byte* values = nullptr;
  std::int64_t block_stride = 0;
  std::int64_t head_stride = 0;
  std::int64_t token_stride = 0;
  int page_log2 = 0;

  [[nodiscard]] TERRACE_DEVICE std::int64_t offset(const std::int32_t* blocks, std::int64_t head,
                                                   int token) const {
    const int slot = token & ((1 << page_log2) - 1);
    return blocks[token >> page_log2] * block_stride + head * head_stride + slot * token_stride;
  }
};

/// Some of the tokens of a sequence.
struct Tokens {
  const std::int32_t* blocks = nullptr;  // the sequence's row of the block table
  std::int64_t head = 0;
  int first = 0;
  int last = 0;
};

/// Begins to copy tokens `begin` to begin + Rows - 1 to tiles, with Threads threads of which this
/// is number `thread`. Rows that are not among `tokens` become zeros: whatever memory holds
/// there, it must not get into a product. `values` may be null. REQUIRES: there are tokens. All
/// threads read the block table, of another row where need be: without branches these loads are in
/// flight together.
template <class M, class Layout, int Rows, int Threads>
TERRACE_DEVICE void copy_rows(const PagedRows& from, const Tokens& tokens, int begin, int thread,
                              std::byte* keys, std::byte* values) {
  constexpr int kAll = Rows * Layout::kChunks;
#pragma unroll 4
  for (int turn = 0; turn < (kAll + Threads - 1) / Threads; ++turn) {  // a count that is known
    const int i = turn * Threads + thread;
    if (kAll % Threads != 0 && i >= kAll) break;
    const int row = i / Layout::kChunks;
    const int chunk = i % Layout::kChunks;
    const int token = begin + row;
    const bool seen = token >= tokens.first && token < tokens.last;
    const std::int64_t at =
        from.offset(tokens.blocks, tokens.head, seen ? token : tokens.first) + chunk * 16;
    const int place = Layout::place(row, chunk);
    M::copy16_async(keys + place, from.keys + at, seen);
    if (values != nullptr) M::copy16_async(values + place, from.values + at, seen);
  }
}

}  // namespace terrace::kernels::cuda
