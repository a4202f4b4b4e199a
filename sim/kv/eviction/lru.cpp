#include "sim/kv/eviction/block_list.hpp"
#include "sim/kv/eviction/policy.hpp"

namespace terrace::eviction {
namespace {

/// Holds only what may be evicted, so the victim is always the front. A user that leaves a sequence
/// unpins its last block first, which is why the tail of a prefix goes before its head.
class Lru final : public EvictionPolicy {
 public:
  void on_insert(BlockId, ContentId) override {}
  void on_pin(BlockId block) override { idle_.remove(block); }
  void on_unpin(BlockId block) override { idle_.push_back(block); }
  void on_remove(BlockId block) override { idle_.remove(block); }
  BlockId victim(ContentId) override { return idle_.front(); }

  void on_access(BlockId block) override {
    if (!idle_.contains(block)) return;  // in use: its place is set when its last user leaves
    idle_.remove(block);
    idle_.push_back(block);
  }

 private:
  BlockList idle_;  // least recently used in front
};

}  // namespace

std::unique_ptr<EvictionRecipe> lru() { return eviction_recipe<Lru>(); }

}  // namespace terrace::eviction
