#pragma once

#include <cstdint>
#include <span>

#include "kernels/array.hpp"

/// Paged memory as engines lay it out: blocks of `page` tokens, found through a block table. All
/// counts and strides are in elements, so that one kernel serves every order of dimensions.
namespace terrace::kernels {

/// The order inside a block, by FlashInfer's names: N tokens, H heads, D the head's dimensions.
/// hnd: [block][kv_head][page][head_dim]. A page of one head, which is what one worker of an
/// attention kernel reads, is one run of memory. Ours, unless there is a reason.
/// nhd: [block][page][kv_head][head_dim]. A token is one run: writing it is one copy.
enum class KvLayout : std::uint8_t { hnd, nhd };

/// The keys and values of one layer. Any alignment will do; rows that begin on cache lines are
/// fastest.
struct PagedKv {
  ConstArray keys;
  ConstArray values;  // of the keys' type, in the same order
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t page = 0;
  std::int64_t block_stride = 0;
  std::int64_t head_stride = 0;
  std::int64_t token_stride = 0;  // the head's dimensions are next to each other
  float key_scale = 1;            // what a stored element has to be multiplied with, per tensor
  float value_scale = 1;

  [[nodiscard]] constexpr std::int64_t offset(std::int64_t block, std::int64_t head,
                                              std::int64_t slot) const {
    return block * block_stride + head * head_stride + slot * token_stride;
  }
};

/// Blocks without gaps.
constexpr PagedKv paged_kv(KvLayout layout, ConstArray keys, ConstArray values,
                           std::int64_t kv_heads, std::int64_t page, std::int64_t head_dim) {
  const bool hnd = layout == KvLayout::hnd;
  PagedKv kv{keys, values, kv_heads, head_dim, page};
  kv.block_stride = kv_heads * page * head_dim;
  kv.head_stride = hnd ? page * head_dim : head_dim;
  kv.token_stride = hnd ? head_dim : kv_heads * head_dim;
  return kv;
}

/// The latent cache of multi-head latent attention: what DeepSeek-V2 and its successors keep of a
/// token, [block][page][kLatent + kRope]. Keys are all of it; values are its first kLatent numbers.
struct PagedLatent {
  static constexpr std::int64_t kLatent = 512;
  static constexpr std::int64_t kRope = 64;
  static constexpr std::int64_t kWidth = kLatent + kRope;

  ConstArray tokens;
  std::int64_t page = 0;
  float scale = 1;

  [[nodiscard]] constexpr std::int64_t offset(std::int64_t block, std::int64_t slot) const {
    return (block * page + slot) * kWidth;
  }
};

/// Where the tokens of each sequence are: token t is in slot t % page of block
/// blocks[sequence * width + t / page]. Entries beyond a sequence's length are never looked at.
struct BlockTable {
  std::span<const std::int32_t> blocks;   // [sequence][width]
  std::span<const std::int32_t> kv_lens;  // tokens in the cache, by sequence
  std::int64_t width = 0;

  [[nodiscard]] constexpr std::int64_t sequences() const {
    return static_cast<std::int64_t>(kv_lens.size());
  }
};

}  // namespace terrace::kernels
