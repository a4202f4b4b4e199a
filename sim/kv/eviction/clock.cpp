#include <algorithm>

#include "sim/kv/eviction/block_queues.hpp"
#include "sim/kv/eviction/policy.hpp"

namespace terrace::eviction {
namespace {

/// Corbato, "A paging experiment with the Multics system", 1968: FIFO, but what was read since it
/// was last considered gets another turn. The hand's turn is a move from front to back.
class Clock final : public EvictionPolicy {
 public:
  struct Options {
    std::int64_t bits = 1;

    void tell(config::Fields& f) {
      f.field("bits", bits, "of the read counter of a block: up to 2^bits - 1 further turns",
              config::between(1, 16));
    }
  };

  Clock(const Options& options, const EvictionContext&)
      : most_((std::uint32_t{1} << static_cast<unsigned>(options.bits)) - 1) {}

  void on_insert(BlockId block, ContentId content) override { blocks_.insert(block, content); }
  void on_pin(BlockId block) override { blocks_.pin(block); }
  void on_unpin(BlockId block) override { blocks_.unpin(block); }
  void on_remove(BlockId block) override { blocks_.remove(block); }

  void on_access(BlockId block) override {
    blocks_.count(block) = std::min(blocks_.count(block) + 1, most_);
  }

  BlockId victim(ContentId) override {
    for (;;) {
      const BlockId block = blocks_.evictable();
      if (block == BlockId::none() || blocks_.count(block) == 0) return block;
      --blocks_.count(block);
      blocks_.move_to_back(block);
    }
  }

 private:
  std::uint32_t most_;
  BlockQueues blocks_;  // counts reads since the last turn
};

}  // namespace

std::unique_ptr<EvictionRecipe> clock() { return eviction_recipe<Clock>(); }

}  // namespace terrace::eviction
