#include "sim/kv/eviction/block_list.hpp"
#include "sim/kv/eviction/policy.hpp"

namespace terrace::eviction {
namespace {

/// The mirror of LRU: holds only what may be evicted, and a block's place is set when its last user
/// leaves it. For loops that are longer than the pool it is optimal.
class Mru final : public EvictionPolicy {
 public:
  void on_insert(BlockId, ContentId) override {}
  void on_pin(BlockId block) override { idle_.remove(block); }
  void on_unpin(BlockId block) override { idle_.push_back(block); }
  void on_remove(BlockId block) override { idle_.remove(block); }
  BlockId victim(ContentId) override { return idle_.back(); }

  void on_access(BlockId block) override {
    if (idle_.contains(block)) idle_.move_to_back(block);
  }

 private:
  BlockList idle_;  // least recently used in front
};

}  // namespace

std::unique_ptr<EvictionRecipe> mru() { return eviction_recipe<Mru>(); }

}  // namespace terrace::eviction
