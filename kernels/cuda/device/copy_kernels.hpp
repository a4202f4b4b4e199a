#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/block_copy.hpp"
#include "kernels/cuda/device/machine.hpp"

/// Kernels whose time is that of the memory: each thread has several vectors in flight.
namespace terrace::kernels::cuda {

constexpr int kInFlight = 4;

/// Calls f(i) for all i < count that are this thread's, kInFlight neighbours of a stride apart.
template <class M, int Threads, class F>
TERRACE_DEVICE void each_of_mine(std::int64_t count, const F& f) {
  const std::int64_t all = std::int64_t{M::blocks()} * Threads;
  for (std::int64_t i = std::int64_t{M::block()} * Threads + M::thread(); i < count;
       i += all * kInFlight) {
    f(i, all);
  }
}

/// Vectors from one place to another, found by two functions of their number.
template <class M, class Word, int Threads, class From, class To>
TERRACE_DEVICE void copy_words(std::int64_t count, const From& from, const To& to) {
  each_of_mine<M, Threads>(count, [&](std::int64_t first, std::int64_t stride) {
    Word words[kInFlight];
#pragma unroll
    for (int k = 0; k < kInFlight; ++k) {
      // What is not ours is read for nothing: without branches all loads are in flight together.
      const std::int64_t i = first + k * stride;
      words[k] = *reinterpret_cast<const Word*>(from(i < count ? i : first));
    }
#pragma unroll
    for (int k = 0; k < kInFlight; ++k) {
      const std::int64_t i = first + k * stride;
      if (i < count) *reinterpret_cast<Word*>(to(i)) = words[k];
    }
  });
}

/// Gather, and with `scatters` the way back. Word is the largest unit that all addresses and sizes
/// are multiples of: 16 bytes, or 1.
template <class M, class Word>
struct BlockCopyKernel {
  static constexpr int kThreads = 256;
  static constexpr int kShared = 0;

  std::byte* pool = nullptr;
  std::byte* staging = nullptr;
  const std::int32_t* blocks = nullptr;
  std::int64_t words = 0;  // of all blocks
  std::uint32_t words_of_fragment = 1;
  std::uint32_t fragments = 1;  // of a block
  std::int64_t block_stride = 0;
  std::int64_t fragment_stride = 0;
  bool scatters = false;

  TERRACE_DEVICE void operator()() const {
    const auto staged = [&](std::int64_t i) {
      return staging + i * static_cast<std::int64_t>(sizeof(Word));
    };
    const auto pooled = [&](std::int64_t i) {
      // Word numbers fit in 32 bits, where division is quick.
      const std::uint32_t fragment = static_cast<std::uint32_t>(i) / words_of_fragment;
      const std::uint32_t word = static_cast<std::uint32_t>(i) - fragment * words_of_fragment;
      const std::uint32_t block = fragment / fragments;
      return pool + blocks[block] * block_stride +
             (fragment - block * fragments) * fragment_stride +
             word * static_cast<std::int64_t>(sizeof(Word));
    };
    if (scatters) {
      copy_words<M, Word, kThreads>(words, staged, pooled);
    } else {
      copy_words<M, Word, kThreads>(words, pooled, staged);
    }
  }
};

template <class M, class Word>
struct StreamCopyKernel {
  static constexpr int kThreads = 256;
  static constexpr int kShared = 0;

  const std::byte* from = nullptr;
  std::byte* to = nullptr;
  std::int64_t words = 0;

  TERRACE_DEVICE void operator()() const {
    constexpr std::int64_t kSize = sizeof(Word);
    copy_words<M, Word, kThreads>(
        words, [&](std::int64_t i) { return from + i * kSize; },
        [&](std::int64_t i) { return to + i * kSize; });
  }
};

/// Adds the sum of all words to *sum, once a block: additions to one place queue up.
template <class M>
struct StreamReadKernel {
  static constexpr int kThreads = 256;
  static constexpr int kShared = kThreads / kWarp * static_cast<int>(sizeof(std::uint64_t));

  const std::uint64_t* from = nullptr;
  std::int64_t count = 0;
  std::uint64_t* sum = nullptr;

  TERRACE_DEVICE void operator()() const {
    const std::int64_t pairs = count / 2;
    std::uint64_t mine = 0;
    each_of_mine<M, kThreads>(pairs, [&](std::int64_t first, std::int64_t stride) {
      Vector16 v[kInFlight] = {};
#pragma unroll
      for (int k = 0; k < kInFlight; ++k) {
        if (first + k * stride < pairs) v[k] = M::read16(from + 2 * (first + k * stride));
      }
#pragma unroll
      for (int k = 0; k < kInFlight; ++k) {
        mine += (std::uint64_t{v[k].words[1]} << 32U | v[k].words[0]) +
                (std::uint64_t{v[k].words[3]} << 32U | v[k].words[2]);
      }
    });
    if (M::block() == 0 && M::thread() == 0 && count % 2 != 0) mine += from[count - 1];
#pragma unroll
    for (int mask = 1; mask < kWarp; mask *= 2) mine += M::shuffle_xor(mine, mask);
    auto* const of_warps = reinterpret_cast<std::uint64_t*>(M::shared());
    if (M::thread() % kWarp == 0) of_warps[M::thread() / kWarp] = mine;
    M::sync();
    if (M::thread() != 0) return;
    for (int w = 1; w < kThreads / kWarp; ++w) mine += of_warps[w];
    M::add(sum, mine);
  }
};

template <class M>
struct StreamWriteKernel {
  static constexpr int kThreads = 256;
  static constexpr int kShared = 0;

  std::uint64_t* to = nullptr;
  std::int64_t count = 0;
  std::uint64_t word = 0;

  TERRACE_DEVICE void operator()() const {
    const auto low = static_cast<std::uint32_t>(word);
    const auto high = static_cast<std::uint32_t>(word >> 32U);
    const std::int64_t pairs = count / 2;
    each_of_mine<M, kThreads>(pairs, [&](std::int64_t first, std::int64_t stride) {
#pragma unroll
      for (int k = 0; k < kInFlight; ++k) {
        const std::int64_t i = first + k * stride;
        if (i < pairs) M::write16(to + 2 * i, Vector16{{low, high, low, high}});
      }
    });
    if (M::block() == 0 && M::thread() == 0 && count % 2 != 0) to[count - 1] = word;
  }
};

}  // namespace terrace::kernels::cuda
