#include <vector>

#include "sim/kv/eviction/block_queues.hpp"
#include "sim/kv/eviction/policy.hpp"
#include "sim/kv/eviction/segments.hpp"

namespace terrace::eviction {
namespace {

class Slru final : public EvictionPolicy {
 public:
  struct Options {
    std::int64_t segments = 4;

    void tell(config::Fields& f) {
      f.field("segments", segments, "LRU queues of equal size; 2 in the paper by Karedla et al.",
              config::between(1, 100));
    }
  };

  Slru(const Options& options, const EvictionContext& context)
      : blocks_(static_cast<std::size_t>(options.segments)),
        segments_(blocks_, 0,
                  std::vector<std::int64_t>(static_cast<std::size_t>(options.segments),
                                            context.capacity / options.segments)) {}

  void on_insert(BlockId block, ContentId content) override {
    blocks_.insert(block, content, segments_.queue_for_new());
  }
  void on_access(BlockId block) override { segments_.on_access(block); }
  void on_pin(BlockId block) override { blocks_.pin(block); }
  void on_unpin(BlockId block) override { blocks_.unpin(block); }
  void on_remove(BlockId block) override { blocks_.remove(block); }
  BlockId victim(ContentId) override { return segments_.evictable(); }

 private:
  BlockQueues blocks_;
  Segments segments_;
};

}  // namespace

std::unique_ptr<EvictionRecipe> slru() { return eviction_recipe<Slru>(); }

}  // namespace terrace::eviction
