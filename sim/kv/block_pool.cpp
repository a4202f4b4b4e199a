#include "sim/kv/block_pool.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"

namespace terrace {

BlockPool::BlockPool(std::int64_t capacity, std::unique_ptr<EvictionPolicy> policy,
                     EmptyBlocks empty_blocks)
    : capacity_(capacity), policy_(std::move(policy)), empty_blocks_(empty_blocks) {
  TERRACE_CHECK(capacity >= 0 && capacity <= kUnlimited);
}

BlockId BlockPool::allocate(ContentId incoming) {
  TERRACE_CHECK(free_blocks() > 0);
  ++held_;
  BlockId block = BlockId::none();
  if (!empty_.empty()) {
    block = empty_.back();
    empty_.pop_back();
  } else if (static_cast<std::int64_t>(slots_.size()) < capacity_) {
    block = BlockId{slots_.size()};
    slots_.emplace_back();
  } else {
    block = policy_->victim(incoming);
    TERRACE_CHECK(block != BlockId::none() && !held(block));
    const ContentId content = slots_[block.index()].content;
    if (content != ContentId::none()) {
      forget(block);
      if (evicted_ != nullptr && find(content) == BlockId::none()) evicted_->push_back(content);
    }
    policy_->on_evict(block);
  }
  slots_[block.index()].users = 1;
  peak_held_ = std::max(peak_held_, held_);
  peak_occupied_ = std::max(peak_occupied_, occupied_blocks());
  return block;
}

void BlockPool::hold(BlockId block) {
  Slot& slot = slots_[block.index()];
  if (slot.users++ > 0) return;
  TERRACE_CHECK(slot.content != ContentId::none());
  policy_->on_pin(block);
  --idle_content_;
  ++held_;
  peak_held_ = std::max(peak_held_, held_);
}

void BlockPool::release(BlockId block) {
  Slot& slot = slots_[block.index()];
  TERRACE_CHECK(slot.users > 0 && !slot.on_its_way);
  if (--slot.users > 0) return;
  --held_;
  if (slot.content != ContentId::none()) {
    ++idle_content_;
    policy_->on_unpin(block);
  } else if (empty_blocks_ == EmptyBlocks::reused_first) {
    empty_.push_back(block);
  } else {
    policy_->on_insert(block, ContentId::none());
    policy_->on_unpin(block);
  }
}

void BlockPool::publish(BlockId block, ContentId content) {
  Slot& slot = slots_[block.index()];
  TERRACE_CHECK(slot.users > 0 && slot.content == ContentId::none());
  if (content.index() >= block_of_.size()) {
    block_of_.resize(std::max(content.index() + 1, block_of_.size() * 3 / 2), BlockId::none());
  }
  slot.content = content;
  BlockId* link = &block_of_[content.index()];
  while (*link != BlockId::none()) link = &slots_[link->index()].next_copy;
  *link = block;
  policy_->on_insert(block, content);
}

void BlockPool::announce(BlockId block, ContentId content) {
  publish(block, content);
  slots_[block.index()].on_its_way = true;
}

void BlockPool::cancel(BlockId block) {
  Slot& slot = slots_[block.index()];
  TERRACE_CHECK(slot.on_its_way && slot.users == 1);
  arrived(block);
  release(block);
  drop(block);
}

void BlockPool::drop(BlockId block) {
  TERRACE_CHECK(!held(block));
  if (slots_[block.index()].content == ContentId::none()) return;
  forget(block);
  policy_->on_remove(block);
  empty_.push_back(block);
}

void BlockPool::forget(BlockId block) {
  Slot& slot = slots_[block.index()];
  BlockId* link = &block_of_[slot.content.index()];
  while (*link != block) link = &slots_[link->index()].next_copy;
  *link = std::exchange(slot.next_copy, BlockId::none());
  slot.content = ContentId::none();
  --idle_content_;
  if (const auto tier = take_prefetched(block)) prefetch_lost_(*tier);
}

void BlockPool::check_invariants() const {
  std::int64_t held = 0;
  std::int64_t idle = 0;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    held += slot.users > 0 ? 1 : 0;
    if (slot.content == ContentId::none()) continue;
    idle += slot.users == 0 ? 1 : 0;
    BlockId copy = find(slot.content);
    while (copy != BlockId::none() && copy != BlockId{i}) copy = slots_[copy.index()].next_copy;
    TERRACE_CHECK(copy == BlockId{i});
  }
  TERRACE_CHECK(held == held_ && idle == idle_content_ && held <= capacity_);
}

}  // namespace terrace
