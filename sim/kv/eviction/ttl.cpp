#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/kv/eviction/ranked_policy.hpp"

namespace terrace {
namespace eviction {
namespace {

/// How long to wait for a tool: a fixed time, or `auto` (none).
struct ToolTtl {
  std::optional<Duration> fixed;
};

}  // namespace
}  // namespace eviction

template <>
struct config::Scalar<eviction::ToolTtl> {
  static constexpr std::string_view kForm = "a time with its unit, such as '30 s', or auto";
  static constexpr std::string_view kJsonType = "string";
  static Parsed<eviction::ToolTtl> parse(std::string_view text) {
    if (text == "auto") return {eviction::ToolTtl{}, {}};
    const auto time = Scalar<Duration>::parse(text);
    if (!time.value) return {std::nullopt, time.why};
    return {eviction::ToolTtl{time.value}, {}};
  }
  static std::string format(const eviction::ToolTtl& ttl) {
    return ttl.fixed ? Scalar<Duration>::format(*ttl.fixed) : "auto";
  }
  static double magnitude(const eviction::ToolTtl& ttl) {
    return ttl.fixed ? Scalar<Duration>::magnitude(*ttl.fixed) : 0;
  }
};

namespace eviction {
namespace {

struct TtlOptions {
  Duration ttl = std::chrono::minutes(5);
  ToolTtl tool_ttl;
  std::int64_t min_samples = 10;
  std::int64_t window = 100;
  double memory_cost = 1;

  void tell(config::Fields& f) {
    f.field("ttl", ttl,
            "how long a block is kept from its last use (Anthropic's prompt cache: 5 min)",
            config::kNotNegative);
    f.field("tool_ttl", tool_ttl,
            "the same while its session waits for a tool; auto learns it (CacheTTL, "
            "arXiv:2511.02230)",
            config::kNotNegative);
    f.field("min_samples", min_samples,
            "tool_ttl auto: returns of a group before it departs from ttl (the default is ours)",
            config::at_least(1));
    f.field("window", window,
            "tool_ttl auto: how many of a group's last returns it goes by (the default is ours)",
            config::at_least(1));
    f.field("memory_cost", memory_cost,
            "tool_ttl auto: seconds of prefill that the whole pool is worth for a second (the "
            "default is ours)",
            config::kNotNegative);
    f.check(min_samples <= window, "min_samples", "'min_samples' must not exceed 'window'");
  }
};

/// The times after which the sessions of one group came back, the last `window` of them.
class Returns {
 public:
  void add(Duration time, std::size_t window) {
    if (last_.size() < window) {
      last_.push_back(time);
    } else {
      sorted_.erase(std::lower_bound(sorted_.begin(), sorted_.end(), last_[oldest_]));
      last_[oldest_] = time;
      oldest_ = (oldest_ + 1) % window;
    }
    sorted_.insert(std::upper_bound(sorted_.begin(), sorted_.end(), time), time);
  }
  [[nodiscard]] std::size_t count() const { return sorted_.size(); }

  /// The time x that maximises P(return <= x) * benefit - cost_rate * x, the shortest if there are
  /// several. P is a step function, so it is one of the times seen, or zero.
  [[nodiscard]] Duration best(double benefit, double cost_rate) const {
    Duration best{};
    double most = 0;
    for (std::size_t i = 0; i < sorted_.size(); ++i) {
      const double p = static_cast<double>(i + 1) / static_cast<double>(sorted_.size());
      const double gain = p * benefit - cost_rate * seconds(sorted_[i]);
      if (gain <= most) continue;
      most = gain;
      best = sorted_[i];
    }
    return best;
  }

 private:
  std::vector<Duration> last_;  // a ring once it is full
  std::size_t oldest_ = 0;
  std::vector<Duration> sorted_;
};

/// A block is kept for a time to live from its last use. The one that expires first goes first,
/// whether it has expired or not; blocks never leave while there is room.
///
/// CacheTTL (Li et al., arXiv:2511.02230) keeps the blocks of a session that waits for a tool for
/// the x that maximises P(return <= x) * benefit - memory cost * x. Here, for each block: P is the
/// distribution of the last returns in the block's group, from the last use of a session's blocks
/// to the next; the benefit is the prefill that the block saves (not the queueing that it may);
/// the memory cost is `memory_cost` times the block's share in the pool.
class Ttl final : public RankedPolicy<SimTime> {
 public:
  using Options = TtlOptions;
  static constexpr FactNeeds kNeeds = FactNeeds::use | FactNeeds::time | FactNeeds::recompute;

  Ttl(const Options& options, const EvictionContext& context)
      : options_(options),
        cost_rate_(options.memory_cost /
                   static_cast<double>(std::max<std::int64_t>(context.capacity, 1))),
        facts_(facts_of(context)) {}

  void on_insert(BlockId block, ContentId content) override {
    RankedPolicy::on_insert(block, content);
    session_returns(content);
  }
  void on_access(BlockId block) override {
    session_returns(content(block));
    RankedPolicy::on_access(block);
  }

 private:
  struct Session {
    SimTime left;
    std::uint32_t group = 0;
    bool at_tool = false;
  };

  [[nodiscard]] bool learns(const BlockUse& use) const {
    return !options_.tool_ttl.fixed && use.session != BlockUse::kNoSession;
  }

  void session_returns(ContentId content) {
    if (content == ContentId::none()) return;
    const BlockUse& use = facts_.use(content);
    if (!learns(use) || use.session >= sessions_.size()) return;
    Session& session = sessions_[use.session];
    if (!session.at_tool || facts_.now() <= session.left) return;
    session.at_tool = false;
    returns_[session.group].add(facts_.now() - session.left,
                                static_cast<std::size_t>(options_.window));
  }

  void session_leaves(const BlockUse& use) {
    if (!learns(use)) return;
    if (use.session >= sessions_.size()) sessions_.resize(use.session + std::size_t{1});
    sessions_[use.session] = {facts_.now(), use.group, use.tool_call};
  }

  void rank(BlockId block) override {
    const BlockUse& use = facts_.use(content(block));
    session_leaves(use);
    const Duration ttl = use.tool_call ? tool_ttl(use, content(block)) : options_.ttl;
    const SimTime now = facts_.now();
    idle_.push(block, ttl < SimTime::max() - now ? now + ttl : SimTime::max(), kRanks);
  }

  [[nodiscard]] Duration tool_ttl(const BlockUse& use, ContentId content) const {
    if (options_.tool_ttl.fixed) return *options_.tool_ttl.fixed;
    const auto known = returns_.find(use.group);
    if (known == returns_.end() ||
        static_cast<std::int64_t>(known->second.count()) < options_.min_samples) {
      return options_.ttl;
    }
    return known->second.best(seconds(facts_.recompute(content)), cost_rate_);
  }

  Options options_;
  double cost_rate_;
  const BlockFacts& facts_;
  std::vector<Session> sessions_;
  std::map<std::uint32_t, Returns> returns_;  // of each group
};

}  // namespace

std::unique_ptr<EvictionRecipe> ttl() { return eviction_recipe<Ttl>(); }

}  // namespace eviction
}  // namespace terrace
