#include <cstdint>

#include "sim/kv/eviction/ranked_policy.hpp"

namespace terrace::eviction {
namespace {

struct TailLruOptions {
  Tokens xi{1024};
  Tokens next_prompt{256};

  void tell(config::Fields& f) {
    f.field("xi", xi,
            "uncached tokens that a turn may prefill within its TTFT target (arXiv:2510.15152; the "
            "default is ours)",
            config::kNotNegative);
    f.field("next_prompt", next_prompt,
            "tokens that a session's next turn is expected to add (arXiv:2510.15152 takes the mean "
            "prompt; the default is ours)",
            config::kNotNegative);
  }
};

/// Tail-Optimised LRU (Zhang et al., arXiv:2510.15152). A session of L tokens expects to prefill
/// L + next_prompt tokens less what is cached in front, and this harms nobody up to xi. So it needs
/// no more than its first L + next_prompt - xi tokens; blocks that lie behind these, wholly, go
/// first, the least recently used in front. Then plain LRU over the rest, to which all blocks
/// belong that are not of a session.
class TailLru final : public RankedPolicy<std::uint8_t> {
 public:
  using Options = TailLruOptions;
  static constexpr FactNeeds kNeeds = FactNeeds::use | FactNeeds::sequence;

  TailLru(const Options& options, const EvictionContext& context)
      : options_(options), block_(context.block), facts_(facts_of(context)) {}

 private:
  static constexpr std::size_t kBeyondNeed = kRanks;
  static constexpr std::size_t kOthers = kRanks + 1;

  void rank(BlockId block) override {
    idle_.push(block, 0, beyond_need(content(block)) ? kBeyondNeed : kOthers);
  }

  [[nodiscard]] bool beyond_need(ContentId content) const {
    const BlockUse& use = facts_.use(content);
    if (use.session == BlockUse::kNoSession) return false;
    const Tokens cached_without_it = block_ * facts_.position(content);
    return use.context + options_.next_prompt - cached_without_it <= options_.xi;
  }

  BlockId most_expendable() override {
    return idle_.first(idle_.empty(kBeyondNeed) ? kOthers : kBeyondNeed);
  }

  Options options_;
  Tokens block_;
  const BlockFacts& facts_;
};

}  // namespace

std::unique_ptr<EvictionRecipe> tail_lru() { return eviction_recipe<TailLru>(); }

}  // namespace terrace::eviction
