#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "sim/kv/eviction/block_queues.hpp"

namespace terrace {

/// Segmented LRU (Karedla et al., "Caching strategies to improve disk system performance", 1994) in
/// the queues `base`, `base` + 1, ... of a policy. A read takes a block one segment up; what a
/// segment cannot hold then goes down one. The lowest takes what is left. A new block goes to the
/// lowest segment with room: until the pool is full, all of them do.
class Segments {
 public:
  Segments(BlockQueues& blocks, std::size_t base, std::vector<std::int64_t> limits)
      : blocks_(blocks), base_(base), limits_(std::move(limits)) {}

  [[nodiscard]] std::size_t queue_for_new() const {
    for (std::size_t s = 0; s < limits_.size(); ++s) {
      if (blocks_.size(base_ + s) < limits_[s]) return base_ + s;
    }
    return base_;
  }

  /// REQUIRES: `block` is in one of them.
  void on_access(BlockId block) {
    std::size_t segment = blocks_.queue_of(block) - base_;
    if (segment + 1 < limits_.size()) ++segment;
    blocks_.move_to_back(block, base_ + segment);
    for (; segment > 0 && blocks_.size(base_ + segment) > limits_[segment]; --segment) {
      blocks_.move_to_back(blocks_.first(base_ + segment), base_ + segment - 1);
    }
  }

  BlockId evictable() {
    BlockId block = BlockId::none();
    for (std::size_t s = 0; s < limits_.size() && block == BlockId::none(); ++s) {
      block = blocks_.evictable(base_ + s);
    }
    return block;
  }

 private:
  BlockQueues& blocks_;
  std::size_t base_;
  std::vector<std::int64_t> limits_;
};

}  // namespace terrace
