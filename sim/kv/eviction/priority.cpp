#include <cstdint>

#include "sim/kv/eviction/ranked_policy.hpp"

namespace terrace::eviction {
namespace {

/// TensorRT-LLM's retention (batch_manager/evictionPolicy.cpp): one queue for each priority, the
/// lowest goes first. A block joins the back of its queue when it is released; when its retention
/// has since passed, it falls back to the back of the queue of the default priority.
class Priority final : public RankedPolicy<std::uint8_t> {
 public:
  static constexpr FactNeeds kNeeds = FactNeeds::use | FactNeeds::time;

  explicit Priority(const EvictionContext& context) : facts_(facts_of(context)) {}

 private:
  static constexpr std::uint8_t kDefaultPriority = 35;  // kDefaultRetentionPriority

  void rank(BlockId block) override {
    const BlockUse& use = facts_.use(content(block));
    idle_.push(block, use.priority, kRanks);
    if (use.retention <= Duration{} || use.priority == kDefaultPriority) return;
    const SimTime now = facts_.now();
    const bool ends = use.retention < SimTime::max() - now;
    if (ends) expiring_.push(block, now + use.retention, 0);
  }

  void unrank(BlockId block) override {
    if (expiring_.contains(block)) expiring_.remove(block);
    idle_.remove(block);
  }

  BlockId most_expendable() override {
    while (!expiring_.empty(0) && expiring_.top(0).key <= facts_.now()) {
      const BlockId block = expiring_.first(0);
      unrank(block);
      idle_.push(block, kDefaultPriority, kRanks);
    }
    return idle_.first(kRanks);
  }

  const BlockFacts& facts_;
  BlockHeaps<SimTime> expiring_;  // idle blocks by the end of their retention
};

}  // namespace

std::unique_ptr<EvictionRecipe> priority() { return eviction_recipe<Priority>(); }

}  // namespace terrace::eviction
