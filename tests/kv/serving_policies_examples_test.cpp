// Policies that know about serving, by examples worked by hand from the papers and engines.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/base/random.hpp"
#include "tests/kv/by_hand.hpp"

namespace terrace {
namespace {

using namespace literals;

using Order = std::vector<std::size_t>;

/// The sequence 0 1 2, and 3 on its own, used in this order: a parent follows its last child, by
/// its own last use.
TEST(LeafLru, TakesLeavesAndThenWhatHasBecomeOne) {
  ByHand pool("leaf_lru");
  pool.facts.parents = {{ContentId{1}, ContentId{0}}, {ContentId{2}, ContentId{1}}};
  for (std::size_t i = 0; i < 4; ++i) pool.insert_idle(i);
  EXPECT_EQ(pool.evict_all(), (Order{2, 1, 0, 3}));
}

TEST(LeafLru, TakesAnInnerBlockOnlyIfAllLeavesAreInUse) {
  ByHand pool("leaf_lru");
  pool.facts.parents = {{ContentId{1}, ContentId{0}}, {ContentId{2}, ContentId{1}}};
  for (std::size_t i = 0; i < 4; ++i) pool.insert_idle(i);
  pool.pin(2);
  EXPECT_EQ(pool.victim(), 3U);
  pool.pin(3);
  EXPECT_EQ(pool.victim(), 0U);
  pool.unpin(3);
  EXPECT_EQ(pool.victim(), 3U);
}

TEST(LeafLru, CopiesOfAParentBecomeLeavesTogether) {
  ByHand pool("leaf_lru");
  pool.facts.parents = {{ContentId{1}, ContentId{0}}};
  pool.insert_idle(0);
  pool.policy().on_insert(BlockId{7}, ContentId{0});
  pool.policy().on_unpin(BlockId{7});
  pool.insert_idle(1);
  EXPECT_EQ(pool.evict_all(), (Order{1, 0, 7}));
}

TEST(Priority, LowestFirstThenLeastRecentlyUsed) {
  ByHand pool("priority");
  pool.facts.uses[ContentId{0}].priority = 80;
  pool.facts.uses[ContentId{2}].priority = 10;
  for (std::size_t i = 0; i < 5; ++i) pool.insert_idle(i);
  pool.read(1);
  EXPECT_EQ(pool.evict_all(), (Order{2, 3, 4, 1, 0}));
}

TEST(Priority, FallsBackBehindTheDefaultWhenRetentionHasPassed) {
  ByHand pool("priority");
  for (const std::size_t i : {0U, 1U}) {
    pool.facts.uses[ContentId{i}].priority = i == 0 ? 100 : 5;
    pool.facts.uses[ContentId{i}].retention = 30s;
  }
  pool.insert_idle(0);
  pool.insert_idle(1);
  pool.insert_idle(2);
  pool.facts.time += 29s;
  EXPECT_EQ(pool.victim(), 1U) << "the lowest priority";
  pool.facts.time += 1s;
  EXPECT_EQ(pool.evict_all(), (Order{2, 0, 1})) << "behind what had the default priority before";
}

TEST(Priority, ARetentionCountsFromTheLastRelease) {
  ByHand pool("priority");
  pool.facts.uses[ContentId{0}].priority = 100;
  pool.facts.uses[ContentId{0}].retention = 30s;
  pool.insert_idle(0);
  pool.insert_idle(1);
  pool.facts.time += 20s;
  pool.pin(0);
  pool.unpin(0);
  pool.facts.time += 20s;
  pool.insert_idle(2);
  EXPECT_EQ(pool.evict_all(), (Order{1, 2, 0}));
}

TEST(Ttl, GoesByWhatExpiresFirst) {
  ByHand pool("{policy: ttl, ttl: 10 s, tool_ttl: 2 s}");
  pool.facts.uses[ContentId{1}].tool_call = true;
  pool.facts.uses[ContentId{2}].tool_call = true;
  pool.insert_idle(0);  // until 10 s
  pool.facts.time += 1s;
  pool.insert_idle(1);  // until 3 s
  pool.facts.time += 8s;
  pool.insert_idle(2);  // until 11 s
  EXPECT_EQ(pool.evict_all(), (Order{1, 0, 2}));
}

/// Nine returns after 1 s and one after 100 s, to a block worth 1 s in a pool of 100: waiting 1 s
/// gains 0.9 - 0.01, waiting 100 s gains 1 - 1.
TEST(Ttl, LearnsHowLongToWaitForTools) {
  for (const int returns : {9, 10}) {
    ByHand pool("{policy: ttl, ttl: 5 s, min_samples: 10}");
    BlockUse& agent = pool.facts.uses[ContentId{0}];
    agent.session = 3;
    agent.group = 1;
    agent.tool_call = true;
    pool.insert_idle(0);
    for (int i = 0; i < returns; ++i) {
      pool.facts.time += i == 0 ? 100s : 1s;
      pool.pin(0);
      pool.read(0);
      if (i + 1 < returns) pool.unpin(0);
    }
    pool.insert_idle(1);  // for 5 s
    pool.facts.time += 3s;
    pool.unpin(0);  // for 1 s if that is known
    EXPECT_EQ(pool.victim(), returns == 10 ? 0U : 1U);
  }
}

TEST(LengthAware, LeastUsedThenFurthestBack) {
  ByHand pool("length_aware");
  for (std::size_t i = 0; i < 4; ++i) {
    pool.facts.positions[ContentId{i}] = static_cast<std::int64_t>(i);
    pool.insert_idle(i);
  }
  pool.read(3);
  EXPECT_EQ(pool.evict_all(), (Order{2, 1, 0, 3}));
  pool.insert_idle(3);
  pool.insert_idle(0);
  EXPECT_EQ(pool.victim(), 3U) << "what has left starts anew";
}

/// 8 s over 4 s against 3 s over 1 s; ten seconds later, 8/14 against 3/11.
TEST(CostAware, WeighsRecomputationAgainstIdleTime) {
  ByHand pool("cost_aware");
  pool.facts.costs[ContentId{0}] = 8s;
  pool.facts.costs[ContentId{1}] = 3s;
  pool.insert_idle(0);
  pool.facts.time += 3s;
  pool.insert_idle(1);
  pool.facts.time += 1s;
  EXPECT_EQ(pool.victim(), 0U);
  pool.facts.time += 10s;
  EXPECT_EQ(pool.victim(), 1U);
}

/// Recency 0, 1/2 and 3/4 of four seconds; costs scaled to 1, 1/2 and 0.
TEST(CostAware, OrAddsItToRecencyAsMarconiDoes) {
  const auto victim = [](const std::string& alpha) {
    ByHand pool("{policy: cost_aware, score: marconi, alpha: " + alpha + "}");
    for (const std::size_t i : {0U, 1U, 2U}) {
      pool.facts.costs[ContentId{i}] = Duration{12 - 4 * static_cast<std::int64_t>(i)};
      pool.insert_idle(i);
      pool.facts.time += i == 0 ? 2s : 1s;
    }
    return pool.victim();
  };
  EXPECT_EQ(victim("0"), 0U);
  EXPECT_EQ(victim("0.7"), 0U);  // 0.7, 0.85, 0.75
  EXPECT_EQ(victim("0.8"), 2U);  // 0.8, 0.9, 0.75
}

/// Recency 0 and saving 1 against recency 1 and saving 0.
TEST(CostAware, BreaksTiesByRecency) {
  ByHand pool("{policy: cost_aware, score: marconi, alpha: 1}");
  pool.facts.costs = {{ContentId{0}, Duration{12}}, {ContentId{1}, Duration{4}}};
  pool.insert_idle(0);
  pool.facts.time += 2s;
  pool.insert_idle(1);
  EXPECT_EQ(pool.victim(), 0U);
}

/// One group comes back after 100 s, the other after 1 s: ten seconds idle say that the latter will
/// not, twenty say little about the former.
TEST(WorkloadAware, KnowsHowSoonAGroupComesBack) {
  ByHand pool("{policy: workload_aware, min_samples: 4}");
  pool.facts.uses[ContentId{1}].group = 1;
  for (const std::size_t i : {1U, 0U}) {
    pool.insert_idle(i);
    for (int reuse = 0; reuse < 8; ++reuse) {
      pool.facts.time += i == 1 ? 100s : 1s;
      pool.read(i);
    }
    pool.pin(i);
  }
  pool.unpin(1);
  pool.facts.time += 10s;
  pool.insert_idle(2);  // of the group of 0
  pool.facts.time += 10s;
  EXPECT_EQ(pool.victim(), 1U) << "least recently used: nothing has left, so no life is known";
  pool.insert_idle(3);
  pool.facts.time += 5s;
  pool.evict(3);
  EXPECT_EQ(pool.victim(), 2U);
}

TEST(WorkloadAware, BreaksTiesByPosition) {
  ByHand pool("{policy: workload_aware, min_samples: 4}");
  pool.insert_idle(0);
  for (int reuse = 0; reuse < 4; ++reuse) {
    pool.facts.time += 1s;
    pool.read(0);
  }
  pool.evict(0);
  for (const std::size_t i : {1U, 2U}) {  // of two groups that nobody knows
    pool.facts.uses[ContentId{i}].group = static_cast<std::uint32_t>(i);
    pool.facts.positions[ContentId{i}] = static_cast<std::int64_t>(i);
    pool.insert_idle(i);
  }
  EXPECT_EQ(pool.victim(), 2U);
}

TEST(Lookahead, PassesOverWhatIsQueuedFor) {
  ByHand pool("lookahead");
  for (std::size_t i = 0; i < 4; ++i) pool.insert_idle(i);
  pool.facts.queued = {{ContentId{0}, true}, {ContentId{1}, true}, {ContentId{3}, true}};
  EXPECT_EQ(pool.victim(), 2U);
  pool.evict(2);
  EXPECT_EQ(pool.victim(), 0U) << "all is queued for";
  pool.facts.queued[ContentId{1}] = false;
  EXPECT_EQ(pool.victim(), 0U) << "asked again without a call in between";
}

TEST(Lookahead, NoticesThatNobodyWantsABlockAnyMore) {
  ByHand pool("lookahead");
  for (std::size_t i = 0; i < 100; ++i) {
    pool.insert_idle(i);
    pool.facts.queued[ContentId{i}] = i < 50;
  }
  EXPECT_EQ(pool.victim(), 50U);
  pool.evict(50);
  pool.facts.queued[ContentId{30}] = false;
  for (std::size_t searches = 1; searches <= 7; ++searches) {  // 50 / 8, rounded up
    const std::size_t out = pool.victim();
    if (out == 30) return;
    pool.evict(out);
  }
  ADD_FAILURE() << "30 is still passed over";
}

/// If requests leave the queue only by reading their blocks, the search is exact.
TEST(Lookahead, IsExactWhileRequestsReadWhatTheyWant) {
  constexpr std::size_t kBlocks = 30;
  ByHand pool("lookahead");
  Random random(5, "lookahead");
  Order lru;
  for (std::size_t i = 0; i < kBlocks; ++i) {
    pool.insert_idle(i);
    lru.push_back(i);
  }
  for (int step = 0; step < 5000; ++step) {
    const std::size_t i = random.below(kBlocks);
    if (!std::exchange(pool.facts.queued[ContentId{i}], true)) continue;
    if (random.below(3) == 0) continue;
    pool.facts.queued[ContentId{i}] = false;
    pool.read(i);
    std::erase(lru, i);
    lru.push_back(i);
    const auto unwanted = std::find_if(lru.begin(), lru.end(), [&pool](std::size_t b) {
      return !pool.facts.queued[ContentId{b}];
    });
    ASSERT_EQ(pool.victim(), unwanted == lru.end() ? lru.front() : *unwanted);
  }
}

/// A session of 1000 tokens that will add 200 may prefill 500, so its first 700 are enough.
TEST(TailLru, FirstTakesWhatTheNextTurnCanDoWithout) {
  ByHand pool("{policy: tail_lru, xi: 500, next_prompt: 200}", 100, 100_tok);
  const auto turn_of = [&pool](std::uint32_t session, std::size_t i, Tokens context) {
    pool.facts.uses[ContentId{i}].session = session;
    pool.facts.uses[ContentId{i}].context = context;
  };
  turn_of(1, 50, 5000_tok);
  turn_of(BlockUse::kNoSession, 51, 10_tok);
  pool.insert_idle(50);
  pool.insert_idle(51);
  for (std::size_t i = 10; i-- > 0;) {
    turn_of(0, i, 1000_tok);
    pool.facts.positions[ContentId{i}] = static_cast<std::int64_t>(i);
    pool.insert_idle(i);
  }
  EXPECT_EQ(pool.evict_all(), (Order{9, 8, 7, 50, 51, 6, 5, 4, 3, 2, 1, 0}));
}

/// What a user is told about `yaml`.
std::string mistakes(const std::string& yaml) {
  config::Diagnostics diagnostics;
  ChosenPolicy chosen;
  const config::Node root =
      config::parse_yaml("test.yaml", "eviction: " + yaml + "\n", diagnostics);
  const config::Catalogue nothing;
  config::Reader(root, "the test", nothing, diagnostics).read(chosen);
  return diagnostics.render();
}

TEST(ServingPolicyOptions, MistakesAreNamed) {
  using testing::HasSubstr;
  EXPECT_EQ(mistakes("{policy: ttl, tool_ttl: auto}"), "");
  EXPECT_THAT(mistakes("{policy: cost_aware, alpha: 2}"), HasSubstr("alpha"));
  EXPECT_THAT(mistakes("{policy: ttl, tool_ttl: soon}"), HasSubstr("soon"));
  EXPECT_THAT(mistakes("{policy: ttl, tool_ttl: -1 s}"), HasSubstr("tool_ttl"));
  EXPECT_THAT(mistakes("{policy: ttl, window: 5}"),
              HasSubstr("'min_samples' must not exceed 'window'"));
  EXPECT_THAT(mistakes("{policy: workload_aware, window: 5}"),
              HasSubstr("'min_samples' must not exceed 'window'"));
}

}  // namespace
}  // namespace terrace
