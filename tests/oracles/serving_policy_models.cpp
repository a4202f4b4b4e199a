#include "tests/oracles/serving_policy_models.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "sim/base/check.hpp"

namespace terrace::oracle {

SlowBlock& SlowPolicy::find(BlockId block) {
  const auto at = std::find_if(blocks_.begin(), blocks_.end(),
                               [block](const SlowBlock& b) { return b.block == block; });
  TERRACE_CHECK(at != blocks_.end());
  return *at;
}

void SlowPolicy::rank(SlowBlock& block) {
  block.last = ++clock_;
  block.since = facts_.now();
  if (block.content != ContentId::none()) ranked(block);
}

void SlowPolicy::on_insert(BlockId block, ContentId content) {
  changed();
  SlowBlock fresh;
  fresh.block = block;
  fresh.content = content;
  fresh.inserted = facts_.now();
  blocks_.push_back(fresh);
  if (content != ContentId::none()) used(blocks_.back());
}

void SlowPolicy::on_access(BlockId block) {
  changed();
  SlowBlock& b = find(block);
  ++b.uses;
  if (b.content != ContentId::none()) used(b);
  if (b.idle) rank(b);
}

void SlowPolicy::on_pin(BlockId block) {
  changed();
  find(block).idle = false;
}

void SlowPolicy::on_unpin(BlockId block) {
  changed();
  SlowBlock& b = find(block);
  b.idle = true;
  rank(b);
}

void SlowPolicy::on_remove(BlockId block) {
  changed();
  const SlowBlock gone = find(block);
  std::erase_if(blocks_, [block](const SlowBlock& b) { return b.block == block; });
  if (gone.content != ContentId::none()) leaves(gone);
}

BlockId SlowPolicy::victim(ContentId) {
  const SlowBlock* empty = nullptr;
  std::vector<SlowBlock*> idle;
  for (SlowBlock& b : blocks_) {
    if (!b.idle) continue;
    if (b.content != ContentId::none()) {
      idle.push_back(&b);
    } else if (empty == nullptr || b.last < empty->last) {
      empty = &b;
    }
  }
  if (empty != nullptr) return empty->block;
  return idle.empty() ? BlockId::none() : choose(idle);
}

namespace {

class SlowLeafLru final : public SlowPolicy {
  using SlowPolicy::SlowPolicy;
  BlockId choose(const std::vector<SlowBlock*>& idle) override {
    std::set<ContentId> continued;
    for (const SlowBlock& b : blocks_) {
      if (b.content != ContentId::none()) continued.insert(facts_.before(b.content));
    }
    return least(idle, [&continued](const SlowBlock& b) {
      return std::pair(continued.count(b.content), b.last);
    });
  }
};

class SlowPriority final : public SlowPolicy {
  using SlowPolicy::SlowPolicy;
  void ranked(SlowBlock& b) override {
    const BlockUse& use = facts_.use(b.content);
    b.priority = use.priority;
    b.expires = use.retention > Duration{} && use.priority != 35;
    b.deadline = b.since + use.retention;
  }
  BlockId choose(const std::vector<SlowBlock*>& idle) override {
    std::vector<SlowBlock*> expired;
    for (SlowBlock* b : idle) {
      if (b->expires && b->deadline <= facts_.now()) expired.push_back(b);
    }
    std::sort(expired.begin(), expired.end(), [](const SlowBlock* a, const SlowBlock* b) {
      return std::pair(a->deadline, a->last) < std::pair(b->deadline, b->last);
    });
    for (SlowBlock* b : expired) {
      b->priority = 35;
      b->expires = false;
      b->last = ++clock_;
    }
    return least(idle, [](const SlowBlock& b) { return std::pair(b.priority, b.last); });
  }
};

class SlowLengthAware final : public SlowPolicy {
  using SlowPolicy::SlowPolicy;
  BlockId choose(const std::vector<SlowBlock*>& idle) override {
    return least(idle, [this](const SlowBlock& b) {
      return std::tuple(b.uses, -facts_.position(b.content), b.last);
    });
  }
};

class SlowCostAware final : public SlowPolicy {
 public:
  SlowCostAware(const EvictionContext& context, std::optional<double> alpha)
      : SlowPolicy(context), alpha_(alpha) {}

 private:
  void ranked(SlowBlock& b) override {
    b.cost = static_cast<std::uint64_t>(facts_.recompute(b.content).count());
    std::uint64_t unit = 1;
    while (b.cost / unit >= 16) unit *= 2;
    b.cost = b.cost / unit * unit;
  }
  BlockId choose(const std::vector<SlowBlock*>& idle) override {
    const double now = static_cast<double>(facts_.now().time_since_epoch().count());
    if (!alpha_) {
      return least(idle, [this](const SlowBlock& b) {
        const double idle_time = static_cast<double>((facts_.now() - b.since).count()) + 1;
        return std::pair(static_cast<double>(b.cost) / idle_time, b.last);
      });
    }
    double oldest = now;
    double cheapest = 1e300;
    double dearest = 0;
    for (const SlowBlock* b : idle) {
      oldest = std::min(oldest, static_cast<double>(b->since.time_since_epoch().count()));
      cheapest = std::min(cheapest, static_cast<double>(b->cost));
      dearest = std::max(dearest, static_cast<double>(b->cost));
    }
    return least(idle, [&](const SlowBlock& b) {
      const double used = static_cast<double>(b.since.time_since_epoch().count());
      const double recency = now > oldest ? (used - oldest) / (now - oldest) : 0;
      const double saving =
          dearest > cheapest ? (static_cast<double>(b.cost) - cheapest) / (dearest - cheapest) : 0;
      return std::pair(recency + *alpha_ * saving, b.last);
    });
  }

  std::optional<double> alpha_;
};

class SlowTailLru final : public SlowPolicy {
 public:
  SlowTailLru(const EvictionContext& context, Tokens xi, Tokens next_prompt)
      : SlowPolicy(context), xi_(xi), next_prompt_(next_prompt) {}

 private:
  void ranked(SlowBlock& b) override { b.use = facts_.use(b.content); }
  BlockId choose(const std::vector<SlowBlock*>& idle) override {
    return least(idle, [this](const SlowBlock& b) {
      const std::int64_t cached = facts_.position(b.content) * context_.block.count();
      const std::int64_t prompt = b.use.context.count() + next_prompt_.count();
      const bool harmless = b.use.session != BlockUse::kNoSession && prompt - cached <= xi_.count();
      return std::pair(harmless ? 0 : 1, b.last);
    });
  }

  Tokens xi_;
  Tokens next_prompt_;
};

class SlowBelady final : public SlowPolicy {
  using SlowPolicy::SlowPolicy;
  void used(SlowBlock& user) override {
    for (SlowBlock& b : blocks_) {
      if (b.content == user.content) b.next_use = facts_.next_use(b.content);
    }
  }
  BlockId choose(const std::vector<SlowBlock*>& idle) override {
    return least(idle, [](const SlowBlock& b) { return std::pair(~b.next_use, b.last); });
  }
};

}  // namespace

std::unique_ptr<EvictionPolicy> slow_leaf_lru(const EvictionContext& context) {
  return std::make_unique<SlowLeafLru>(context);
}
std::unique_ptr<EvictionPolicy> slow_priority(const EvictionContext& context) {
  return std::make_unique<SlowPriority>(context);
}
std::unique_ptr<EvictionPolicy> slow_length_aware(const EvictionContext& context) {
  return std::make_unique<SlowLengthAware>(context);
}
std::unique_ptr<EvictionPolicy> slow_pensieve(const EvictionContext& context) {
  return std::make_unique<SlowCostAware>(context, std::nullopt);
}
std::unique_ptr<EvictionPolicy> slow_marconi(const EvictionContext& context, double alpha) {
  return std::make_unique<SlowCostAware>(context, alpha);
}
std::unique_ptr<EvictionPolicy> slow_tail_lru(const EvictionContext& context, Tokens xi,
                                              Tokens next_prompt) {
  return std::make_unique<SlowTailLru>(context, xi, next_prompt);
}
std::unique_ptr<EvictionPolicy> slow_belady(const EvictionContext& context) {
  return std::make_unique<SlowBelady>(context);
}

}  // namespace terrace::oracle
