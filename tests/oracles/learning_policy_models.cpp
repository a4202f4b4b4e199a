#include <algorithm>
#include <deque>
#include <map>
#include <optional>

#include "sim/base/portable_math.hpp"
#include "tests/oracles/serving_policy_models.hpp"

namespace terrace::oracle {
namespace {

class SlowWorkloadAware final : public SlowPolicy {
 public:
  SlowWorkloadAware(const EvictionContext& context, std::size_t min_samples, std::size_t window)
      : SlowPolicy(context), min_samples_(min_samples), window_(window) {}

 private:
  void used(SlowBlock& b) override {
    if (!b.awaits_reuse) return;
    b.awaits_reuse = false;
    by_group_[b.use.group].push_back(facts_.now() - b.since);
    all_.push_back(facts_.now() - b.since);
  }
  void ranked(SlowBlock& b) override {
    b.use = facts_.use(b.content);
    b.awaits_reuse = true;
  }
  void leaves(const SlowBlock& b) override {
    residence_us_ += (facts_.now() - b.inserted).count() / 1'000'000;
    ++left_;
    const double mean = static_cast<double>(residence_us_) / static_cast<double>(left_) * 1e-6;
    if (mean > 1.01 * life_ || mean < 0.99 * life_) life_ = mean;
  }

  [[nodiscard]] double mean(const std::vector<Duration>& intervals) const {
    const std::size_t n = std::min(intervals.size(), window_);
    std::int64_t us = 1;  // never zero
    for (std::size_t i = intervals.size() - n; i < intervals.size(); ++i) {
      us += intervals[i].count() / 1'000'000;
    }
    return static_cast<double>(us) / static_cast<double>(n) * 1e-6;
  }

  BlockId choose(const std::vector<SlowBlock*>& idle) override {
    const auto age = [this](const SlowBlock& b) {
      return std::tuple(b.since, -facts_.position(b.content), b.last);
    };
    if (std::min(all_.size(), window_) < min_samples_ || life_ == 0) return least(idle, age);
    std::map<std::uint32_t, std::vector<SlowBlock*>> groups;
    for (SlowBlock* b : idle) groups[b->use.group].push_back(b);
    std::vector<SlowBlock*> firsts;
    for (const auto& [group, members] : groups) {
      const BlockId first = least(members, age);
      firsts.push_back(*std::find_if(members.begin(), members.end(),
                                     [first](const SlowBlock* b) { return b->block == first; }));
    }
    return least(firsts, [&](const SlowBlock& b) {
      const auto& own = by_group_[b.use.group];
      const double m = mean(std::min(own.size(), window_) < min_samples_ ? all_ : own);
      const double t = seconds(facts_.now() - b.since);
      const double worth = -t / m + portable::ln(-portable::expm1(-life_ / m));
      return std::tuple(worth, -facts_.position(b.content), b.since, b.last);
    });
  }

  std::size_t min_samples_;
  std::size_t window_;
  std::map<std::uint32_t, std::vector<Duration>> by_group_;
  std::vector<Duration> all_;
  std::int64_t residence_us_ = 0;
  std::int64_t left_ = 0;
  double life_ = 0;
};

class SlowLookahead final : public SlowPolicy {
  using SlowPolicy::SlowPolicy;
  void changed() override { named_.reset(); }
  void ranked(SlowBlock& b) override { b.waits = false; }

  BlockId choose(const std::vector<SlowBlock*>& idle) override {
    if (named_) return *named_;
    std::erase_if(turn_, [&idle](BlockId waiting) {
      return std::none_of(idle.begin(), idle.end(), [waiting](const SlowBlock* b) {
        return b->block == waiting && b->waits;
      });
    });
    for (std::size_t i = std::min<std::size_t>(8, turn_.size()); i > 0; --i) {
      SlowBlock& b = **std::find_if(idle.begin(), idle.end(), [this](const SlowBlock* candidate) {
        return candidate->block == turn_.front();
      });
      turn_.pop_front();
      b.waits = facts_.wanted(b.content);
      if (b.waits) turn_.push_back(b.block);
    }
    std::vector<SlowBlock*> oldest_first = idle;
    std::sort(oldest_first.begin(), oldest_first.end(),
              [](const SlowBlock* a, const SlowBlock* b) { return a->last < b->last; });
    for (SlowBlock* b : oldest_first) {
      if (b->waits) continue;
      if (!facts_.wanted(b->content)) return *(named_ = b->block);
      b->waits = true;
      turn_.push_back(b->block);
    }
    return *(named_ = oldest_first.front()->block);
  }

  std::deque<BlockId> turn_;
  std::optional<BlockId> named_;
};

class SlowTtlPolicy final : public SlowPolicy {
 public:
  SlowTtlPolicy(const EvictionContext& context, const SlowTtl& options)
      : SlowPolicy(context), options_(options) {}

 private:
  void used(SlowBlock& b) override {
    const std::uint32_t session = facts_.use(b.content).session;
    const auto away = away_.find(session);
    if (session == BlockUse::kNoSession || away == away_.end()) return;
    if (facts_.now() == away->second.first) return;
    returns_[away->second.second].push_back(facts_.now() - away->second.first);
    away_.erase(away);
  }
  void ranked(SlowBlock& b) override {
    const BlockUse& use = facts_.use(b.content);
    away_.erase(use.session);
    if (use.tool_call) away_[use.session] = {facts_.now(), use.group};
    b.deadline = facts_.now() + (use.tool_call ? tool_ttl(b) : options_.ttl);
  }
  Duration tool_ttl(const SlowBlock& b) {
    if (!options_.learns) return options_.tool_ttl;
    const auto& all = returns_[facts_.use(b.content).group];
    const std::size_t n = std::min(all.size(), options_.window);
    if (n < options_.min_samples) return options_.ttl;
    const std::vector<Duration> recent(all.end() - static_cast<std::ptrdiff_t>(n), all.end());
    const auto gain = [&](Duration x) {
      const auto back = static_cast<double>(
          std::count_if(recent.begin(), recent.end(), [x](Duration r) { return r <= x; }));
      const double rate = options_.memory_cost / static_cast<double>(context_.capacity);
      return back / static_cast<double>(n) * seconds(facts_.recompute(b.content)) -
             rate * seconds(x);
    };
    Duration best{};
    double most = 0;
    for (const Duration x : recent) {
      if (gain(x) < most || (gain(x) == most && x >= best)) continue;
      most = gain(x);
      best = x;
    }
    return best;
  }
  BlockId choose(const std::vector<SlowBlock*>& idle) override {
    return least(idle, [](const SlowBlock& b) { return std::pair(b.deadline, b.last); });
  }

  SlowTtl options_;
  std::map<std::uint32_t, std::pair<SimTime, std::uint32_t>> away_;  // since when, of which group
  std::map<std::uint32_t, std::vector<Duration>> returns_;
};

}  // namespace

std::unique_ptr<EvictionPolicy> slow_workload_aware(const EvictionContext& context,
                                                    std::size_t min_samples, std::size_t window) {
  return std::make_unique<SlowWorkloadAware>(context, min_samples, window);
}
std::unique_ptr<EvictionPolicy> slow_lookahead(const EvictionContext& context) {
  return std::make_unique<SlowLookahead>(context);
}
std::unique_ptr<EvictionPolicy> slow_ttl(const EvictionContext& context, const SlowTtl& options) {
  return std::make_unique<SlowTtlPolicy>(context, options);
}

}  // namespace terrace::oracle
