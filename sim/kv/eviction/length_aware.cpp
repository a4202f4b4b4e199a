#include <cstdint>
#include <utility>
#include <vector>

#include "sim/kv/eviction/ranked_policy.hpp"

namespace terrace::eviction {
namespace {

/// Mooncake's LengthAwareCache (arXiv:2407.00079v1, section 4): least frequently used; of equally
/// used blocks the one that stands furthest back in its sequence, then the least recently used.
/// What has been evicted starts anew.
class LengthAware final : public RankedPolicy<std::pair<std::uint64_t, std::int64_t>> {
 public:
  static constexpr FactNeeds kNeeds = FactNeeds::sequence;

  explicit LengthAware(const EvictionContext& context) : facts_(facts_of(context)) {}

  void on_insert(BlockId block, ContentId content) override {
    RankedPolicy::on_insert(block, content);
    if (block.index() >= uses_.size()) uses_.resize(block.index() + 1);
    uses_[block.index()] = 1;
  }

  void on_access(BlockId block) override {
    ++uses_[block.index()];
    RankedPolicy::on_access(block);
  }

 private:
  void rank(BlockId block) override {
    idle_.push(block, {uses_[block.index()], -facts_.position(content(block))}, kRanks);
  }

  const BlockFacts& facts_;
  std::vector<std::uint64_t> uses_;  // of each block since it was inserted
};

}  // namespace

std::unique_ptr<EvictionRecipe> length_aware() { return eviction_recipe<LengthAware>(); }

}  // namespace terrace::eviction
