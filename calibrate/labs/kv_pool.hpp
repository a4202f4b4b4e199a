#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "calibrate/labs/shape.hpp"
#include "kernels/kernel_set.hpp"

namespace terrace::labs {

/// The paged KV cache in the kernels' memory: [layer][keys, values][block], and inside of a block
/// [kv_head][page][head_dim]; or [layer][block][page][576] of latents. A block's fragments lie
/// `blocks` apart, so that the kernel that gathers blocks brings all its layers at once.
class KvPool {
 public:
  /// Of as many layers as are kept at a time; one of one layer serves all of them in turn, if
  /// nothing has to last.
  KvPool(const Shape& shape, std::int64_t layers, std::int64_t blocks, kernels::KernelSet& kernels);

  /// Where a token is written: block * page + its place in the block.
  using Slot = std::int32_t;

  /// grouped: the keys and values of a layer. latent: the latents.
  [[nodiscard]] kernels::PagedKv kv(std::int64_t layer) const;
  [[nodiscard]] kernels::PagedLatent latents(std::int64_t layer) const;

  /// Puts new tokens where they belong: rows of shape.token_numbers() without gaps, in the kernels'
  /// memory. `fragment` is 0 for keys or latents, 1 for values.
  void write(std::int64_t layer, std::int64_t fragment, std::span<const Slot> slots,
             kernels::ConstArray rows);

  /// All layers of a block, as one run of the host's memory, and back.
  void save(std::int32_t block, std::span<std::byte> to);
  void load(std::int32_t block, std::span<const std::byte> from);

 private:
  [[nodiscard]] std::int64_t fragment_offset(std::int64_t layer, std::int64_t fragment) const;
  [[nodiscard]] kernels::BlockFragments fragments() const;

  Shape shape_;
  std::int64_t layers_;
  std::int64_t blocks_;
  kernels::KernelSet& kernels_;
  Bytes fragment_bytes_;  // of a block
  std::shared_ptr<std::byte> memory_;
  std::shared_ptr<std::byte> staging_;  // of one block
};

}  // namespace terrace::labs
