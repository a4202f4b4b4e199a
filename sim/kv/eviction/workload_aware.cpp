#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "sim/base/portable_math.hpp"
#include "sim/kv/eviction/ranked_policy.hpp"

namespace terrace::eviction {
namespace {

struct WorkloadAwareOptions {
  std::int64_t min_samples = 32;
  std::int64_t window = 1024;

  void tell(config::Fields& f) {
    f.field("min_samples", min_samples,
            "reuses seen before a group has a distribution of its own; before any has, LRU (the "
            "default is ours)",
            config::at_least(1));
    f.field("window", window,
            "how many of a group's last reuses its distribution is fitted to (the default is ours)",
            config::at_least(1));
    f.check(min_samples <= window, "min_samples", "'min_samples' must not exceed 'window'");
  }
};

/// The last reuse intervals of a group, and the exponential that is most likely to yield them.
class RecentIntervals {
 public:
  void add(Duration interval, std::int64_t window) {
    const std::int64_t us = interval.count() / 1'000'000;
    if (count() < window) {
      last_us_.push_back(us);
    } else {
      sum_us_ -= std::exchange(last_us_[oldest_], us);
      oldest_ = (oldest_ + 1) % last_us_.size();
    }
    sum_us_ += us;
    fitted_to_ = 0;
  }
  [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(last_us_.size()); }

  struct Fit {
    double mean = 0;       // in seconds
    double log_reach = 0;  // of the probability that an interval is shorter than a life
  };

  /// REQUIRES: count() > 0, life > 0.
  Fit fit(double life) {
    if (fitted_to_ != life) {
      fitted_to_ = life;
      fit_.mean = (static_cast<double>(sum_us_) + 1) / static_cast<double>(count()) * 1e-6;
      fit_.log_reach = portable::ln(-portable::expm1(-life / fit_.mean));
    }
    return fit_;
  }

 private:
  std::vector<std::int64_t> last_us_;  // a ring once it is full
  std::size_t oldest_ = 0;
  std::int64_t sum_us_ = 0;
  double fitted_to_ = 0;  // the life that `fit_` is for; zero if there are new intervals
  Fit fit_;
};

/// Wang et al., "KVCache Cache in the Wild" (ATC 2025, arXiv:2506.02634): the reuse intervals of a
/// group of requests are exponential with mean m, fitted to its recent history. A block idle for t
/// is worth the probability CDF(t + life) - CDF(t) that its reuse falls within the next life, the
/// mean residence of blocks; the least goes first, at equal worth the one further back in its
/// sequence. Within a group worth falls with t, so only the first of each group is looked at:
/// O(#groups). Worth is compared as its logarithm, -t / m + ln(1 - exp(-life / m)), of which the
/// second part changes rarely: life follows the mean residence in steps of 1 %.
///
/// A group with few reuses goes by the mean over all groups; until there are enough of these, and a
/// block has left, the order is LRU. Reuses are seen while the block is resident only.
class WorkloadAware final : public RankedPolicy<std::pair<SimTime, std::int64_t>> {
 public:
  using Options = WorkloadAwareOptions;
  static constexpr FactNeeds kNeeds = FactNeeds::use | FactNeeds::time | FactNeeds::sequence;

  WorkloadAware(const Options& options, const EvictionContext& context)
      : options_(options), facts_(facts_of(context)) {}

  void on_insert(BlockId block, ContentId content) override {
    RankedPolicy::on_insert(block, content);
    if (block.index() >= blocks_.size()) blocks_.resize(block.index() + 1);
    blocks_[block.index()] = {facts_.now(), {}, 0, false};
  }

  void on_access(BlockId block) override {
    Block& b = blocks_[block.index()];
    if (std::exchange(b.awaits_reuse, false)) {
      const Duration interval = facts_.now() - b.last_use;
      groups_[b.group].add(interval, options_.window);
      all_groups_.add(interval, options_.window);
    }
    RankedPolicy::on_access(block);
  }

  void on_remove(BlockId block) override {
    unrank(block);
    if (content(block) == ContentId::none()) return;
    residence_us_ += (facts_.now() - blocks_[block.index()].inserted).count() / 1'000'000;
    ++residences_;
    const double mean =
        static_cast<double>(residence_us_) / static_cast<double>(residences_) * 1e-6;
    if (mean > 1.01 * life_ || mean < 0.99 * life_) life_ = mean;
  }

 private:
  struct Block {
    SimTime inserted;
    SimTime last_use;
    std::size_t group = 0;
    bool awaits_reuse = false;
  };

  void rank(BlockId block) override {
    const ContentId what = content(block);
    const auto [found, fresh] = numbers_.try_emplace(facts_.use(what).group, groups_.size());
    if (fresh) groups_.emplace_back();
    Block& b = blocks_[block.index()];
    b.last_use = facts_.now();
    b.group = found->second;
    b.awaits_reuse = true;
    idle_.push(block, {b.last_use, -facts_.position(what)}, kRanks + b.group);
  }

  BlockId most_expendable() override {
    const bool lru = all_groups_.count() < options_.min_samples || life_ == 0;
    const BlockHeaps<std::pair<SimTime, std::int64_t>>::Entry* least = nullptr;
    double least_worth = 0;
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      if (idle_.empty(kRanks + g)) continue;
      const auto& first = idle_.top(kRanks + g);
      const double worth = lru ? 0 : log_worth(g, first.key.first);
      const bool goes_first =
          least == nullptr || worth < least_worth ||
          (worth == least_worth && (lru ? first < *least : further_back(first, *least)));
      if (!goes_first) continue;
      least = &first;
      least_worth = worth;
    }
    return least == nullptr ? BlockId::none() : least->block;
  }

  [[nodiscard]] double log_worth(std::size_t group, SimTime last_use) {
    const bool known = groups_[group].count() >= options_.min_samples;
    const auto [mean, log_reach] = (known ? groups_[group] : all_groups_).fit(life_);
    return -seconds(facts_.now() - last_use) / mean + log_reach;
  }

  template <class Entry>
  static bool further_back(const Entry& a, const Entry& b) {
    if (a.key.second != b.key.second) return a.key.second < b.key.second;
    return a < b;
  }

  Options options_;
  const BlockFacts& facts_;
  std::vector<Block> blocks_;
  std::map<std::uint32_t, std::size_t> numbers_;  // of groups, in order of appearance
  std::vector<RecentIntervals> groups_;
  RecentIntervals all_groups_;
  std::int64_t residence_us_ = 0;  // of blocks that have left
  std::int64_t residences_ = 0;
  double life_ = 0;  // in seconds; zero until a block has left
};

}  // namespace

std::unique_ptr<EvictionRecipe> workload_aware() { return eviction_recipe<WorkloadAware>(); }

}  // namespace terrace::eviction
