#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "sim/base/units.hpp"

namespace terrace::kernels {

/// Where the bytes of blocks are in a pool. A block consists of fragments, such as the keys and the
/// values of each layer: fragment f of block b starts at b * block_stride + f * fragment_stride.
struct BlockFragments {
  Bytes size{0};  // of one fragment
  std::int64_t count = 1;
  Bytes block_stride{0};
  Bytes fragment_stride{0};

  [[nodiscard]] constexpr std::int64_t offset(std::int64_t block, std::int64_t fragment) const {
    return block * block_stride.count() + fragment * fragment_stride.count();
  }
};

/// Collects blocks of a pool, in the order of the list, in a staging buffer without gaps:
/// [listed block][fragment][bytes]. Then the way to another tier is one large transfer.
struct BlockGather {
  const std::byte* pool = nullptr;
  BlockFragments fragments;
  std::span<const std::int32_t> blocks;
  std::span<std::byte> staging;
};

/// The way back. REQUIRES: no block is listed twice.
struct BlockScatter {
  std::span<const std::byte> staging;
  BlockFragments fragments;
  std::span<const std::int32_t> blocks;
  std::byte* pool = nullptr;
};

/// Throws InvariantViolation if the shapes contradict each other.
void check(const BlockGather& op);
void check(const BlockScatter& op);

}  // namespace terrace::kernels
