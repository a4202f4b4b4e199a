#include "sim/kv/eviction/block_list.hpp"
#include "sim/kv/eviction/policy.hpp"

namespace terrace::eviction {
namespace {

/// LRU that keeps the first blocks of every sequence, such as system prompts, longest.
class KeepHeads final : public EvictionPolicy {
 public:
  struct Options {
    std::int64_t head = 4;
    void tell(config::Fields& f) {
      f.field("head", head, "first blocks of a sequence that go last", config::at_least(1));
    }
  };
  static constexpr FactNeeds kNeeds = FactNeeds::sequence;

  KeepHeads(const Options& options, const EvictionContext& context)
      : head_(options.head), facts_(*context.facts) {}

  void on_insert(BlockId block, ContentId content) override {
    if (block.index() >= is_head_.size()) is_head_.resize(block.index() + 1);
    is_head_[block.index()] = content != ContentId::none() && facts_.position(content) < head_;
  }
  void on_access(BlockId block) override {
    if (!idle(block).contains(block)) return;  // in use: its place is set when its last user leaves
    on_pin(block);
    on_unpin(block);
  }
  void on_pin(BlockId block) override { idle(block).remove(block); }
  void on_unpin(BlockId block) override { idle(block).push_back(block); }
  void on_remove(BlockId block) override { idle(block).remove(block); }
  BlockId victim(ContentId) override { return rest_.empty() ? heads_.front() : rest_.front(); }

 private:
  BlockList& idle(BlockId block) { return is_head_[block.index()] ? heads_ : rest_; }

  std::int64_t head_;
  const BlockFacts& facts_;
  std::vector<bool> is_head_;  // by block
  BlockList heads_, rest_;     // idle, least recently used in front
};

}  // namespace

std::unique_ptr<EvictionRecipe> keep_heads() { return eviction_recipe<KeepHeads>(); }

}  // namespace terrace::eviction
