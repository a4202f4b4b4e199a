// Policies that know about serving, against models that look at every block for every victim.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/random.hpp"
#include "tests/kv/chosen_policy.hpp"
#include "tests/kv/still_facts.hpp"
#include "tests/oracles/serving_policy_models.hpp"

namespace terrace {
namespace {

using namespace literals;

struct Rivals {
  std::string name;
  std::string yaml;
  std::function<std::unique_ptr<EvictionPolicy>(const EvictionContext&)> slow;
};

// NOLINTNEXTLINE(readability-identifier-naming): what GoogleTest looks for
void PrintTo(const Rivals& rivals, std::ostream* out) { *out << rivals.name; }

const std::vector<Rivals>& all_rivals() {
  static const std::vector<Rivals> kAll = {
      {"leaf_lru", "leaf_lru", oracle::slow_leaf_lru},
      {"priority", "priority", oracle::slow_priority},
      {"length_aware", "length_aware", oracle::slow_length_aware},
      {"pensieve", "cost_aware", oracle::slow_pensieve},
      {"marconi", "{policy: cost_aware, score: marconi, alpha: 0.7}",
       [](const EvictionContext& c) { return oracle::slow_marconi(c, 0.7); }},
      {"workload_aware", "{policy: workload_aware, min_samples: 20, window: 50}",
       [](const EvictionContext& c) { return oracle::slow_workload_aware(c, 20, 50); }},
      {"lookahead", "lookahead", oracle::slow_lookahead},
      {"tail_lru", "{policy: tail_lru, xi: 900, next_prompt: 100}",
       [](const EvictionContext& c) { return oracle::slow_tail_lru(c, 900_tok, 100_tok); }},
      {"belady", "belady", oracle::slow_belady},
      {"ttl", "{policy: ttl, ttl: 700 ms, tool_ttl: 100 ms}",
       [](const EvictionContext& c) {
         return oracle::slow_ttl(c, {.ttl = 700ms, .tool_ttl = 100ms});
       }},
      {"ttl_auto", "{policy: ttl, ttl: 300 ms, min_samples: 5, window: 20, memory_cost: 2}",
       [](const EvictionContext& c) {
         return oracle::slow_ttl(
             c, {.ttl = 300ms, .learns = true, .min_samples = 5, .window = 20, .memory_cost = 2});
       }},
  };
  return kAll;
}

/// A world of trees of contents in which everything else keeps changing.
class RandomWorld {
 public:
  static constexpr std::size_t kContents = 120;

  explicit RandomWorld(std::uint64_t seed) : random(seed, "world") {
    for (std::size_t i = 0; i < kContents; ++i) {
      change(ContentId{i});
      if (i % 7 == 0) continue;
      const ContentId parent{random.below(i)};
      facts.parents[ContentId{i}] = parent;
      facts.positions[ContentId{i}] = facts.position(parent) + 1;
    }
  }

  void go_on() {
    if (random.below(3) == 0) facts.time += Duration{random.below(50'000'000'000)};
    if (random.below(2) == 0) change(ContentId{random.below(kContents)});
  }

  Random random;
  StillFacts facts;

 private:
  void change(ContentId content) {
    constexpr std::uint8_t kPriorities[] = {0, 20, 35, 35, 36, 100};
    BlockUse& use = facts.uses[content];
    use.session =
        random.below(8) == 0 ? BlockUse::kNoSession : static_cast<std::uint32_t>(random.below(12));
    use.group = static_cast<std::uint32_t>(random.below(4)) * 1000;
    use.priority = kPriorities[random.below(6)];
    use.tool_call = random.below(2) == 0;
    use.retention = Duration{random.below(2) * random.below(400'000'000'000)};
    use.context = Tokens{static_cast<std::int64_t>(random.below(2000))};
    facts.costs[content] = Duration{random.below(std::uint64_t{1} << random.below(44))};
    facts.queued[content] = random.below(3) == 0;
    facts.nexts[content] = random.below(3) == 0 ? BlockFacts::kNever : random.below(1000);
  }
};

class ServingPolicies : public testing::TestWithParam<Rivals> {};

TEST_P(ServingPolicies, NameWhatTheirSlowModelNames) {
  enum class Is { away, pinned, idle };
  constexpr std::size_t kBlocks = 40;
  RandomWorld world(17);
  Random& random = world.random;
  const EvictionContext context{kBlocks, &world.facts, Random(1, "unused"), 100_tok};
  const auto fast = chosen_policy(GetParam().yaml, context);
  const auto slow = GetParam().slow(context);
  std::vector<Is> blocks(kBlocks, Is::away);
  const auto both = [&](auto act) {
    act(*fast);
    act(*slow);
  };
  for (int step = 0; step < 30'000; ++step) {
    world.go_on();
    const std::uint64_t keep_pinned = step / 2000 % 2 == 0 ? 2 : 12;
    const std::size_t i = random.below(kBlocks);
    const BlockId block{i};
    if (blocks[i] == Is::away) {
      const ContentId content =
          random.below(12) == 0 ? ContentId::none() : ContentId{random.below(world.kContents)};
      both([&](EvictionPolicy& p) { p.on_insert(block, content); });
      blocks[i] = Is::pinned;
    } else if (blocks[i] == Is::pinned && random.below(keep_pinned) > 0) {
      both([&](EvictionPolicy& p) { p.on_access(block); });
    } else if (blocks[i] == Is::pinned) {
      both([&](EvictionPolicy& p) { p.on_unpin(block); });
      blocks[i] = Is::idle;
    } else if (const std::uint64_t what = random.below(5); what < 2) {
      both([&](EvictionPolicy& p) { p.on_access(block); });
    } else if (what < 4) {
      both([&](EvictionPolicy& p) { p.on_pin(block); });
      blocks[i] = Is::pinned;
    } else {
      both([&](EvictionPolicy& p) { p.on_remove(block); });
      blocks[i] = Is::away;
    }
    if (random.below(3) > 0) continue;
    const BlockId out = fast->victim(ContentId::none());
    ASSERT_EQ(out, slow->victim(ContentId::none())) << "step " << step;
    ASSERT_EQ(out, fast->victim(ContentId::none())) << "asked again, in step " << step;
    if (out == BlockId::none() || random.below(3) > 0) continue;
    both([&](EvictionPolicy& p) { p.on_evict(out); });
    blocks[out.index()] = Is::away;
  }
}

INSTANTIATE_TEST_SUITE_P(All, ServingPolicies, testing::ValuesIn(all_rivals()),
                         [](const auto& rivals) { return rivals.param.name; });

}  // namespace
}  // namespace terrace
