#include <vector>

#include "sim/kv/eviction/id_queues.hpp"
#include "sim/kv/eviction/policy.hpp"

namespace terrace::eviction {
namespace {

/// Zhang et al., "SIEVE is simpler than LRU", NSDI 2024: a hand walks from the oldest block to the
/// newest, forgives what was read since it last came by, and takes what was not. Nothing moves.
class Sieve final : public EvictionPolicy {
 public:
  void on_insert(BlockId block, ContentId) override {
    if (block.index() >= states_.size()) states_.resize(block.index() + 1);
    states_[block.index()] = {.visited = false, .pinned = true};
    blocks_.push_back(block);
  }
  void on_access(BlockId block) override { states_[block.index()].visited = true; }
  void on_pin(BlockId block) override { states_[block.index()].pinned = true; }

  void on_unpin(BlockId block) override {
    states_[block.index()].pinned = false;
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
      State& state = states_[hand_.index()];
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

  IdQueues<BlockId> blocks_;        // oldest in front
  BlockId hand_ = BlockId::none();  // none: before the oldest
  std::vector<State> states_;
};

}  // namespace

std::unique_ptr<EvictionRecipe> sieve() { return eviction_recipe<Sieve>(); }

}  // namespace terrace::eviction
