#include <algorithm>
#include <cstdint>
#include <vector>

#include "sim/kv/eviction/block_list.hpp"
#include "sim/kv/eviction/ranked_policy.hpp"

namespace terrace::eviction {
namespace {

/// LRU that passes over what a queued request asks for while anything else is idle: the eviction
/// window of CachedAttention (Gao et al., ATC 2024) and the look-ahead LRU of PCR
/// (arXiv:2603.23049). If all is asked for, the least recently used goes.
///
/// A wanted block that the search meets waits aside, so it is met once. It usually comes back
/// because the request that wants it pins it. For the others (a request was cancelled, or served
/// elsewhere) every search first asks again about `kRechecks` of the waiting, in turn: a block that
/// is wanted no more is back in its place after at most waiting / kRechecks searches, rounded up,
/// and a search costs O(log n) amortised.
class Lookahead final : public RankedPolicy<std::uint64_t> {
 public:
  static constexpr FactNeeds kNeeds = FactNeeds::queue;

  explicit Lookahead(const EvictionContext& context) : facts_(facts_of(context)) {}

  void on_insert(BlockId block, ContentId content) override {
    RankedPolicy::on_insert(block, content);
    if (block.index() >= last_uses_.size()) last_uses_.resize(block.index() + 1);
    named_ = BlockId::none();
  }
  void on_access(BlockId block) override {
    RankedPolicy::on_access(block);
    named_ = BlockId::none();
  }

 private:
  static constexpr std::size_t kCandidates = kRanks;
  static constexpr std::size_t kWaiting = kRanks + 1;
  static constexpr std::size_t kRechecks = 8;

  void rank(BlockId block) override {
    last_uses_[block.index()] = ++uses_;
    idle_.push(block, uses_, kCandidates);
    named_ = BlockId::none();
  }

  void unrank(BlockId block) override {
    idle_.remove(block);
    if (in_turn_.contains(block)) in_turn_.remove(block);
    named_ = BlockId::none();
  }

  BlockId most_expendable() override {
    if (named_ == BlockId::none()) {
      recheck();
      named_ = search();
    }
    return named_;
  }

  void recheck() {
    for (std::size_t i = std::min(kRechecks, idle_.size(kWaiting)); i > 0; --i) {
      const BlockId block = in_turn_.front();
      in_turn_.remove(block);
      if (facts_.wanted(content(block))) {
        in_turn_.push_back(block);
      } else {
        move(block, kCandidates);
      }
    }
  }

  BlockId search() {
    while (!idle_.empty(kCandidates)) {
      const BlockId block = idle_.first(kCandidates);
      if (!facts_.wanted(content(block))) return block;
      move(block, kWaiting);
      in_turn_.push_back(block);
    }
    return idle_.first(kWaiting);
  }

  void move(BlockId block, std::size_t heap) {
    idle_.remove(block);
    idle_.push(block, last_uses_[block.index()], heap);
  }

  const BlockFacts& facts_;
  std::vector<std::uint64_t> last_uses_;  // by block
  std::uint64_t uses_ = 0;
  BlockList in_turn_;                // the waiting, the next to be asked about in front
  BlockId named_ = BlockId::none();  // found by the last search, nothing has happened since
};

}  // namespace

std::unique_ptr<EvictionRecipe> lookahead() { return eviction_recipe<Lookahead>(); }

}  // namespace terrace::eviction
