#include "sim/kv/eviction/id_queues.hpp"
#include "sim/kv/eviction/policy.hpp"

namespace terrace::eviction {
namespace {

/// Zhang et al., "SIEVE is simpler than LRU", NSDI 2024: a hand walks from the oldest block to the
/// newest, forgives what was read since it last came by, and takes what was not. Nothing moves.
class Sieve final : public EvictionPolicy {
 public:
  void on_insert(BlockId block, ContentId) override {
    blocks_.push_back(block);
    blocks_.more(block) = {.visited = false, .pinned = true};
  }
  void on_access(BlockId block) override { blocks_.more(block).visited = true; }
  void on_pin(BlockId block) override { blocks_.more(block).pinned = true; }

  void on_unpin(BlockId block) override {
    blocks_.more(block).pinned = false;
    if (blocks_.contains(block)) return;
    if (hand_ == BlockId::none()) {
      blocks_.push_front(block);
    } else {
      blocks_.insert_before(hand_, block);
    }
    hand_ = block;
  }

  void on_remove(BlockId block) override { take_out(block); }

  BlockId victim(ContentId) override {
    for (;;) {
      if (hand_ == BlockId::none()) hand_ = blocks_.front();
      if (hand_ == BlockId::none()) return hand_;
      State& state = blocks_.more(hand_);
      if (state.pinned) {
        take_out(hand_);  // until it is unpinned: the hand will not meet it in vain again
      } else if (state.visited) {
        state.visited = false;
        hand_ = blocks_.after(hand_);
      } else {
        return hand_;
      }
    }
  }

 private:
  struct State {
    bool visited = false;
    bool pinned = false;
  };

  void take_out(BlockId block) {
    if (hand_ == block) hand_ = blocks_.after(block);
    blocks_.remove(block);
  }

  IdQueues<BlockId, State> blocks_;  // oldest in front
  BlockId hand_ = BlockId::none();   // none: before the oldest
};

}  // namespace

std::unique_ptr<EvictionRecipe> sieve() { return eviction_recipe<Sieve>(); }

}  // namespace terrace::eviction
