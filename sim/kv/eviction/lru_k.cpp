#include <algorithm>
#include <compare>
#include <cstdint>
#include <vector>

#include "sim/kv/eviction/block_queues.hpp"
#include "sim/kv/eviction/ghosts.hpp"
#include "sim/kv/eviction/policy.hpp"
#include "sim/kv/eviction/ranked_blocks.hpp"

namespace terrace::eviction {
namespace {

/// O'Neil, O'Neil, Weikum, "The LRU-K page replacement algorithm for database disk buffering",
/// SIGMOD 1993: the block whose k-th last read is longest ago goes first, and before all others
/// those that were not read k times. Time counts reads.
class LruK final : public EvictionPolicy {
 public:
  struct Options {
    std::int64_t k = 2;
    std::int64_t correlated_reference_period = 0;
    double history_ratio = 1;

    void tell(config::Fields& f) {
      f.field("k", k, "which of the last reads of a block counts", config::between(1, 100));
      f.field("correlated_reference_period", correlated_reference_period,
              "reads of a block within so many reads of the pool count as one, and so long after "
              "the last it is not evicted if another can be",
              config::kNotNegative);
      f.field(
          "history_ratio", history_ratio,
          "evicted contents whose reads are remembered, as a part of the pool; the paper bounds "
          "the age of this history instead",
          config::between(0, 1e9));
    }
  };

  LruK(const Options& options, const EvictionContext& context)
      : k_(static_cast<std::size_t>(options.k)),
        period_(static_cast<std::uint64_t>(options.correlated_reference_period)),
        most_ghosts_(static_cast<std::int64_t>(options.history_ratio *
                                               static_cast<double>(context.capacity))) {}

  void on_insert(BlockId block, ContentId content) override {
    if (block.index() >= states_.size()) {
      states_.resize(block.index() + 1);
      reads_.resize(states_.size() * k_);
    }
    std::uint64_t* const reads = reads_of(block);
    std::fill_n(reads, k_, 0);
    if (ghosts_.forget(content)) {
      std::copy_n(&old_reads_[content.index() * k_], k_ - 1, reads + 1);
    }
    reads[0] = ++clock_;
    states_[block.index()] = {clock_, false};
    blocks_.insert(block, content);
  }

  void on_access(BlockId block) override {
    State& state = states_[block.index()];
    std::uint64_t* const reads = reads_of(block);
    ++clock_;
    if (clock_ - state.last > period_) {
      const std::uint64_t correlated = state.last - reads[0];
      for (std::size_t i = k_ - 1; i > 0; --i) {
        reads[i] = reads[i - 1] > 0 ? reads[i - 1] + correlated : 0;
      }
      reads[0] = clock_;
    }
    state.last = clock_;
    if (state.ranked) ranked_.remove(block);
    state.ranked = false;
    blocks_.move_to_back(block);
  }

  void on_pin(BlockId block) override {
    blocks_.pin(block);
    if (states_[block.index()].ranked) ranked_.pin(block);
  }

  void on_unpin(BlockId block) override {
    blocks_.unpin(block);
    if (states_[block.index()].ranked) ranked_.unpin(block);
  }

  void on_evict(BlockId block) override {
    const ContentId content = blocks_.content(block);
    if (content != ContentId::none()) {
      const std::size_t i = content.index() * k_;
      if (i >= old_reads_.size()) old_reads_.resize(i + k_);
      std::copy_n(reads_of(block), k_, &old_reads_[i]);
      ghosts_.add(content);
      ghosts_.trim(most_ghosts_);
    }
    on_remove(block);
  }

  void on_remove(BlockId block) override {
    if (states_[block.index()].ranked) ranked_.remove(block);
    blocks_.remove(block);
  }

  BlockId victim(ContentId) override {
    rank_the_stale();
    const BlockId block = ranked_.evictable();
    return block != BlockId::none() ? block : blocks_.evictable(kFresh);
  }

  void for_each_ghost(FunctionRef<void(ContentId)> visit) const override {
    ghosts_.for_each(visit);
  }

 private:
  static constexpr std::size_t kFresh = 0;   // by their last read, which may be too recent
  static constexpr std::size_t kRanked = 1;  // it is not

  struct State {
    std::uint64_t last = 0;  // read
    bool ranked = false;
  };
  struct Rank {
    std::uint64_t kth_last = 0;  // 0: there was none
    std::uint64_t last = 0;

    friend auto operator<=>(const Rank&, const Rank&) = default;
  };

  std::uint64_t* reads_of(BlockId block) { return &reads_[block.index() * k_]; }

  /// What was read within the period may not go; the rest has a rank.
  void rank_the_stale() {
    while (blocks_.size(kFresh) > 0) {
      const BlockId block = blocks_.first(kFresh);
      State& state = states_[block.index()];
      if (clock_ + 1 - state.last <= period_) return;
      blocks_.move_to_back(block, kRanked);
      state.ranked = true;
      ranked_.insert(block, {reads_of(block)[k_ - 1], state.last});
      if (!blocks_.pinned(block)) ranked_.unpin(block);
    }
  }

  std::size_t k_;
  std::uint64_t period_;
  std::int64_t most_ghosts_;
  std::uint64_t clock_ = 0;
  std::vector<State> states_;
  std::vector<std::uint64_t> reads_;      // k of each block, the latest first; 0: there was none
  std::vector<std::uint64_t> old_reads_;  // of ghosts
  BlockQueues blocks_{2};
  RankedBlocks<Rank> ranked_;
  Ghosts ghosts_;
};

}  // namespace

std::unique_ptr<EvictionRecipe> lru_k() { return eviction_recipe<LruK>(); }

}  // namespace terrace::eviction
