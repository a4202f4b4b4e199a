#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/kv/eviction/id_queues.hpp"

namespace terrace {

/// The queues of a policy that evicts from the front of queues, with the blocks in use among them.
///
/// A pinned block keeps its place until a search for a victim meets it: then it steps aside, and
/// comes back at the front of its queue when it is unpinned. So a pin costs one step at most, and
/// a block aside still belongs to its queue and counts in its size.
class BlockQueues {
 public:
  static constexpr std::size_t kNowhere = IdQueues<BlockId>::kNowhere;

  explicit BlockQueues(std::size_t queues = 1) : queues_(queues), lists_(2 * queues) {}

  /// Which queue `block` belongs to. REQUIRES: it was inserted.
  [[nodiscard]] std::size_t queue_of(BlockId block) const {
    const std::size_t list = lists_.queue_of(block);
    return list < queues_ ? list : list - queues_;
  }
  [[nodiscard]] bool pinned(BlockId block) const { return states_[block.index()].pinned; }

  [[nodiscard]] std::int64_t size(std::size_t queue = 0) const {
    return lists_.size(queue) + lists_.size(queue + queues_);
  }

  [[nodiscard]] ContentId content(BlockId block) const { return states_[block.index()].content; }

  /// A number of the policy's own about a resident block: 0 when it is inserted.
  std::uint32_t& count(BlockId block) { return states_[block.index()].count; }

  /// At the back, pinned.
  void insert(BlockId block, ContentId content, std::size_t queue = 0) {
    if (block.index() >= states_.size()) states_.resize(block.index() + 1);
    states_[block.index()] = {content, 0, true};
    lists_.push_back(block, queue);
  }

  void remove(BlockId block) { lists_.remove(block); }

  /// Also out of another queue, and pinned or not.
  void move_to_back(BlockId block, std::size_t queue = 0) { lists_.move_to_back(block, queue); }

  void pin(BlockId block) { states_[block.index()].pinned = true; }

  void unpin(BlockId block) {
    states_[block.index()].pinned = false;
    const std::size_t list = lists_.queue_of(block);
    if (list < queues_) return;
    lists_.remove(block);
    lists_.push_front(block, list - queues_);
  }

  /// The first block of `queue` that is not pinned; none if there is none. Amortised O(1).
  BlockId evictable(std::size_t queue = 0) {
    BlockId block = lists_.front(queue);
    for (; block != BlockId::none() && pinned(block); block = lists_.front(queue)) {
      lists_.move_to_back(block, queue + queues_);
    }
    return block;
  }

  /// The first block of `queue`, pinned or not. REQUIRES: size(queue) > 0.
  [[nodiscard]] BlockId first(std::size_t queue) const {
    return lists_.front(lists_.empty(queue + queues_) ? queue : queue + queues_);
  }

  template <class Visit>
  void for_each(std::size_t queue, Visit visit) const {
    lists_.for_each(queue + queues_, visit);
    lists_.for_each(queue, visit);
  }

 private:
  struct State {
    ContentId content = ContentId::none();
    std::uint32_t count = 0;
    bool pinned = false;
  };

  std::size_t queues_;
  IdQueues<BlockId> lists_;  // the queues, and after them what stepped aside from each
  std::vector<State> states_;
};

}  // namespace terrace
