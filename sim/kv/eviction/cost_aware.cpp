#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/kv/eviction/ranked_policy.hpp"

namespace terrace {
namespace eviction {
namespace {

enum class Score : std::uint8_t { pensieve, marconi };

}  // namespace
}  // namespace eviction

template <>
struct config::Names<eviction::Score> {
  static constexpr std::string_view kKind = "score";
  static constexpr std::array kList{
      std::pair{std::string_view("pensieve"), eviction::Score::pensieve},
      std::pair{std::string_view("marconi"), eviction::Score::marconi}};
};

namespace eviction {
namespace {

struct CostAwareOptions {
  Score score = Score::pensieve;
  double alpha = 1;

  void tell(config::Fields& f) {
    f.variant("score", score,
              "what a block is worth: pensieve, recomputation over idle time (arXiv:2312.05516); "
              "marconi, recency plus alpha times recomputation (arXiv:2411.19379)",
              [this, &f] {
                if (score != Score::marconi && !f.wants_all()) return;
                f.field("alpha", alpha,
                        "weight of recomputation against recency, which Marconi tunes by replay; "
                        "the default is ours",
                        config::kNotNegative);
              });
  }
};

/// Evicts the block that is worth least. Worth, at idle time T and recomputation cost C:
///   pensieve   C / T                                         (Yu et al., EuroSys 2025)
///   marconi    recency + alpha * C, each scaled to 0..1      (Pan et al., MLSys 2025)
///
/// Time reorders blocks of different cost, never those of the same. So costs are rounded down to an
/// eighth of an octave (by at most 11 %), blocks of one rounded cost stand in order of their last
/// use, and only the first of each is looked at: exact for rounded costs, in O(#costs), of which
/// there are 8 for each doubling between the cheapest and the dearest block.
class CostAware final : public RankedPolicy<SimTime> {
 public:
  using Options = CostAwareOptions;
  static constexpr FactNeeds kNeeds = FactNeeds::recompute | FactNeeds::time;

  CostAware(const Options& options, const EvictionContext& context)
      : options_(options), facts_(facts_of(context)) {}

 private:
  static constexpr int kStepBits = 3;

  /// The `kStepBits` + 1 leading bits of a cost; the rest is zero.
  static std::uint64_t rounded(Duration cost) {
    const auto exact = static_cast<std::uint64_t>(std::max(cost, Duration{}).count());
    const int dropped = std::max(0, static_cast<int>(std::bit_width(exact)) - kStepBits - 1);
    return exact >> dropped << dropped;
  }

  void rank(BlockId block) override {
    const std::uint64_t cost = rounded(facts_.recompute(content(block)));
    const auto at = std::lower_bound(heaps_.begin(), heaps_.end(), std::pair{cost, std::size_t{0}});
    std::size_t heap = kRanks + heaps_.size();
    if (at != heaps_.end() && at->first == cost) {
      heap = at->second;
    } else {
      heaps_.insert(at, {cost, heap});
    }
    idle_.push(block, facts_.now(), heap);
  }

  BlockId most_expendable() override {
    const Scale scale = options_.score == Score::marconi ? scale_of_idle() : Scale{};
    const BlockHeaps<SimTime>::Entry* least = nullptr;
    double least_worth = 0;
    for (const auto& [cost, heap] : heaps_) {
      if (idle_.empty(heap)) continue;
      const auto& oldest = idle_.top(heap);
      const double worth = options_.score == Score::marconi ? marconi(cost, oldest.key, scale)
                                                            : pensieve(cost, oldest.key);
      if (least == nullptr || worth < least_worth ||
          (worth == least_worth && oldest.entered < least->entered)) {
        least = &oldest;
        least_worth = worth;
      }
    }
    return least == nullptr ? BlockId::none() : least->block;
  }

  /// One picosecond more than the idle time, which may be zero.
  [[nodiscard]] double pensieve(std::uint64_t cost, SimTime last_use) const {
    const Duration idle = facts_.now() - last_use;
    return static_cast<double>(cost) / (static_cast<double>(idle.count()) + 1);
  }

  /// The ranges over idle blocks that are scaled to 0..1; recency reaches up to now. Blocks are
  /// alike in bytes, so cost stands for Marconi's FLOPs saved per byte.
  struct Scale {
    SimTime oldest = SimTime::max();
    std::uint64_t cheapest = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t dearest = 0;
  };

  [[nodiscard]] Scale scale_of_idle() const {
    Scale scale;
    for (const auto& [cost, heap] : heaps_) {
      if (idle_.empty(heap)) continue;
      scale.oldest = std::min(scale.oldest, idle_.top(heap).key);
      scale.cheapest = std::min(scale.cheapest, cost);
      scale.dearest = std::max(scale.dearest, cost);
    }
    return scale;
  }

  [[nodiscard]] double marconi(std::uint64_t cost, SimTime last_use, const Scale& scale) const {
    const auto share = [](double part, double whole) { return whole > 0 ? part / whole : 0; };
    const double recency = share(static_cast<double>((last_use - scale.oldest).count()),
                                 static_cast<double>((facts_.now() - scale.oldest).count()));
    const double saving = share(static_cast<double>(cost - scale.cheapest),
                                static_cast<double>(scale.dearest - scale.cheapest));
    return recency + options_.alpha * saving;
  }

  Options options_;
  const BlockFacts& facts_;
  std::vector<std::pair<std::uint64_t, std::size_t>> heaps_;  // of each cost, in order of cost
};

}  // namespace

std::unique_ptr<EvictionRecipe> cost_aware() { return eviction_recipe<CostAware>(); }

}  // namespace eviction
}  // namespace terrace
