#include "sim/kv/eviction/block_queues.hpp"
#include "sim/kv/eviction/policy.hpp"

namespace terrace::eviction {
namespace {

class Fifo final : public EvictionPolicy {
 public:
  void on_insert(BlockId block, ContentId content) override { blocks_.insert(block, content); }
  void on_access(BlockId) override {}
  void on_pin(BlockId block) override { blocks_.pin(block); }
  void on_unpin(BlockId block) override { blocks_.unpin(block); }
  void on_remove(BlockId block) override { blocks_.remove(block); }
  BlockId victim(ContentId) override { return blocks_.evictable(); }

 private:
  BlockQueues blocks_;  // oldest in front
};

}  // namespace

std::unique_ptr<EvictionRecipe> fifo() { return eviction_recipe<Fifo>(); }

}  // namespace terrace::eviction
