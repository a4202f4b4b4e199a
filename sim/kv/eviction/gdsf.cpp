#include <compare>
#include <cstdint>
#include <string_view>
#include <utility>

#include "sim/kv/eviction/policy.hpp"
#include "sim/kv/eviction/ranked_blocks.hpp"

namespace terrace::eviction {
namespace {

enum class Cost { recompute, uniform };

}  // namespace
}  // namespace terrace::eviction

template <>
struct terrace::config::Names<terrace::eviction::Cost> {
  static constexpr std::string_view kKind = "cost";
  static constexpr std::pair<std::string_view, eviction::Cost> kList[] = {
      {"recompute", eviction::Cost::recompute}, {"uniform", eviction::Cost::uniform}};
};

namespace terrace::eviction {
namespace {

/// Cherkasova, "Improving WWW proxies performance with Greedy-Dual-Size-Frequency caching policy",
/// HP Labs 1998: priority = clock + frequency * cost / size, where the clock is the priority of the
/// last victim. The blocks of a pool are of one size. Of equals, what was read longest ago goes.
class Gdsf final : public EvictionPolicy {
 public:
  struct Options {
    Cost cost = Cost::recompute;

    [[nodiscard]] FactNeeds needs() const {
      return cost == Cost::recompute ? FactNeeds::recompute : FactNeeds::none;
    }
    void tell(config::Fields& f) {
      f.field("cost", cost,
              "of losing a block: the prefill time to recompute it, or uniform, the same for all, "
              "as where nothing is known about that, such as in the replay of a trace");
    }
  };

  Gdsf(const Options& options, const EvictionContext& context)
      : facts_(options.cost == Cost::recompute ? context.facts : nullptr) {}

  void on_insert(BlockId block, ContentId content) override {
    Rank rank{.cost = cost(content)};
    rank.count(++time_, clock_);
    blocks_.insert(block, rank);
  }
  void on_pin(BlockId block) override { blocks_.pin(block); }
  void on_unpin(BlockId block) override { blocks_.unpin(block); }
  void on_remove(BlockId block) override { blocks_.remove(block); }
  BlockId victim(ContentId) override { return blocks_.evictable(); }

  void on_access(BlockId block) override {
    Rank rank = blocks_.rank(block);
    rank.count(++time_, clock_);
    blocks_.change(block, rank);
  }

  void on_evict(BlockId block) override {
    clock_ = blocks_.rank(block).priority;
    blocks_.remove(block);
  }

 private:
  struct Rank {
    double priority = 0;
    std::uint64_t last = 0;
    std::uint32_t reads = 0;
    double cost = 1;

    void count(std::uint64_t time, double clock) {
      ++reads;
      last = time;
      priority = clock + static_cast<double>(reads) * cost;
    }
    friend bool operator<(const Rank& a, const Rank& b) {
      return a.priority != b.priority ? a.priority < b.priority : a.last < b.last;
    }
  };

  /// In seconds: a block keeps the cost that it had when it came.
  [[nodiscard]] double cost(ContentId content) const {
    if (facts_ == nullptr) return 1;
    return static_cast<double>(facts_->recompute(content).count()) * 1e-12;
  }

  const BlockFacts* facts_;
  RankedBlocks<Rank> blocks_;
  double clock_ = 0;
  std::uint64_t time_ = 0;
};

}  // namespace

std::unique_ptr<EvictionRecipe> gdsf() { return eviction_recipe<Gdsf>(); }

}  // namespace terrace::eviction
