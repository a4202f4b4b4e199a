#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>

#include "kernels/cuda/device/copy_kernels.hpp"
#include "kernels/cuda/prepare.hpp"

namespace terrace::kernels::cuda {

/// How many blocks copy `words` words: not more than fill the device.
template <class Kernel, class R>
std::int64_t copying_blocks(R& runtime, std::int64_t words) {
  const std::int64_t a_block = std::int64_t{Kernel::kThreads} * kInFlight;
  return std::min<std::int64_t>((words + a_block - 1) / a_block,
                                std::int64_t{runtime.template residents<Kernel>()} * 4);
}

constexpr std::int64_t kAnyBlocks = std::numeric_limits<std::int64_t>::max();

/// Starts a kernel that has that many words, with `most` blocks of threads at most.
template <class Kernel, class R>
Start start_copying(R& runtime, const Kernel& kernel, std::int64_t words,
                    std::shared_ptr<const std::int32_t> indices = nullptr,
                    std::int64_t most = kAnyBlocks) {
  return
      [&runtime, kernel, indices, blocks = std::min(copying_blocks<Kernel>(runtime, words), most)] {
        if (blocks > 0) runtime.launch(kernel, blocks);
      };
}

template <class Word, class R>
Start prepare_blocks(R& runtime, std::byte* pool, std::byte* staging, const BlockFragments& f,
                     std::span<const std::int32_t> blocks, bool scatters) {
  const auto list = uploaded(runtime, blocks);
  constexpr std::int64_t kSize = sizeof(Word);
  const std::int64_t words =
      static_cast<std::int64_t>(blocks.size()) * f.count * f.size.count() / kSize;
  if (words >= std::int64_t{1} << 32) {
    throw Unsupported("a copy of blocks of " + std::to_string(words) + " words; split it in two");
  }
  const BlockCopyKernel<typename R::Machine, Word> kernel{
      pool,
      staging,
      list.get(),
      words,
      static_cast<std::uint32_t>(f.size.count() / kSize),
      static_cast<std::uint32_t>(f.count),
      f.block_stride.count(),
      f.fragment_stride.count(),
      scatters};
  return start_copying(runtime, kernel, words, list);
}

/// By vectors where all addresses allow it, else by bytes.
template <class R>
Start prepare_blocks(R& runtime, std::byte* pool, std::byte* staging, const BlockFragments& f,
                     std::span<const std::int32_t> blocks, bool scatters) {
  const auto numbers = static_cast<std::uint64_t>(f.size.count() | f.block_stride.count() |
                                                  f.fragment_stride.count()) |
                       reinterpret_cast<std::uintptr_t>(pool) |
                       reinterpret_cast<std::uintptr_t>(staging);
  return numbers % sizeof(Vector16) == 0
             ? prepare_blocks<Vector16>(runtime, pool, staging, f, blocks, scatters)
             : prepare_blocks<std::byte>(runtime, pool, staging, f, blocks, scatters);
}

template <class R>
Start prepare(R& runtime, const BlockGather& op) {
  check(op);
  return prepare_blocks(runtime, const_cast<std::byte*>(op.pool), op.staging.data(), op.fragments,
                        op.blocks, false);
}

template <class R>
Start prepare(R& runtime, const BlockScatter& op) {
  check(op);
  return prepare_blocks(runtime, op.pool, const_cast<std::byte*>(op.staging.data()), op.fragments,
                        op.blocks, true);
}

template <class R>
Start prepare(R& runtime, const StreamCopy& op, std::int64_t most_blocks = kAnyBlocks) {
  check(op);
  const auto size = static_cast<std::int64_t>(op.from.size());
  const auto begins = reinterpret_cast<std::uintptr_t>(op.from.data()) |
                      reinterpret_cast<std::uintptr_t>(op.to.data());
  const std::int64_t vectors = begins % sizeof(Vector16) == 0 ? size / 16 : 0;
  const std::int64_t rest = size - 16 * vectors;
  using M = typename R::Machine;
  const Start most =
      start_copying(runtime, StreamCopyKernel<M, Vector16>{op.from.data(), op.to.data(), vectors},
                    vectors, nullptr, most_blocks);
  if (rest == 0) return most;
  const Start others =
      start_copying(runtime,
                    StreamCopyKernel<M, std::byte>{op.from.data() + 16 * vectors,
                                                   op.to.data() + 16 * vectors, rest},
                    rest, nullptr, most_blocks);
  return [most, others] {
    most();
    others();
  };
}

inline void check_words(const std::uint64_t* words) {
  if (reinterpret_cast<std::uintptr_t>(words) % sizeof(Vector16) != 0) {
    throw Unsupported("a stream of words that does not begin at a multiple of 16 bytes");
  }
}

template <class R>
Start prepare(R& runtime, const StreamRead& op) {
  using M = typename R::Machine;
  check_words(op.from.data());
  const auto count = static_cast<std::int64_t>(op.from.size());
  const Start clear = start_copying(runtime, StreamWriteKernel<M>{op.sum, 1, 0}, 1);
  const Start read =
      start_copying(runtime, StreamReadKernel<M>{op.from.data(), count, op.sum}, (count + 1) / 2);
  return [clear, read] {
    clear();
    read();
  };
}

template <class R>
Start prepare(R& runtime, const StreamWrite& op) {
  using M = typename R::Machine;
  check_words(op.to.data());
  const auto count = static_cast<std::int64_t>(op.to.size());
  return start_copying(runtime, StreamWriteKernel<M>{op.to.data(), count, op.word},
                       (count + 1) / 2);
}

}  // namespace terrace::kernels::cuda
