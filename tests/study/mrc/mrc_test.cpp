// Several policies at once, on any number of threads.

#include "sim/study/mrc/mrc.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sim/kv/eviction/policy.hpp"
#include "sim/study/mrc/lru_curve.hpp"
#include "sim/study/mrc/replay.hpp"
#include "tests/study/mrc/streams.hpp"

namespace terrace {
namespace {

/// Requests of eight blocks, the first ones popular.
BlockStream stream() {
  BlockStream stream{Tokens{16}};
  const tests::Ids ids = tests::zipf(3'000, 4'000, 0.8, 3);
  std::vector<ContentId> blocks;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    blocks.emplace_back(ids[i]);
    if (blocks.size() < 8) continue;
    stream.add_reads(blocks, Tokens{1 + static_cast<std::int64_t>(i % 16)});
    blocks.clear();
  }
  return stream;
}

std::vector<MrcPolicy> served() {
  std::vector<MrcPolicy> names;
  for (const EvictionVariant& policy : eviction_policies()) {
    if (lacking_facts(policy.recipe()->needs()).empty()) names.emplace_back(policy.name);
  }
  return names;
}

TEST(Mrc, DoesNotDependOnThreads) {
  const BlockStream all = stream();
  const auto curves = [&](int jobs) {
    MrcOptions options;
    options.policies = served();
    options.capacities = {0, 1, 40, 400, 1'000, 5'000};
    options.jobs = jobs;
    options.seed = 9;
    return miss_ratio_curves(all, options);
  };
  const Mrc one = curves(1);
  const Mrc five = curves(5);
  EXPECT_TRUE(one.complete && five.complete);
  ASSERT_EQ(one.curves.size(), served().size());
  for (std::size_t i = 0; i < one.curves.size(); ++i) {
    for (std::size_t k = 0; k < 6; ++k) {
      EXPECT_EQ(one.curves[i].points[k]->hits, five.curves[i].points[k]->hits)
          << one.curves[i].policy;
    }
  }
}

/// What every policy owes: nothing in no space, the best in enough, no more than the best between.
TEST(Mrc, EveryPolicyEndsAtTheBest) {
  const BlockStream all = stream();
  MrcOptions options;
  options.policies = served();
  options.capacities = {0, 1, 10, 100, 1'000, 3'000};
  const Mrc mrc = miss_ratio_curves(all, options);
  for (const MrcCurve& curve : mrc.curves) {
    SCOPED_TRACE(curve.policy);
    EXPECT_EQ(curve.points.front()->hits, HitCounts{});
    EXPECT_EQ(curve.points.back()->hits, mrc.totals.achievable);
    for (const auto& point : curve.points) {
      EXPECT_LE(point->hits.blocks, mrc.totals.achievable.blocks);
      EXPECT_LE(point->hits.usable_blocks, point->hits.blocks);
      EXPECT_LE(point->hits.usable_tokens, point->hits.tokens);
    }
  }
}

/// That no replay is needed when all blocks fit is an argument; here it is put to the test.
TEST(Mrc, AReplayWithRoomForAllHitsTheBest) {
  const BlockStream all = stream();
  const StreamTotals t = totals(all);
  const std::vector<std::uint32_t> next = next_accesses(all);
  for (const MrcPolicy& policy : served()) {
    ReplayOptions options;
    options.capacity = t.unique;
    options.next = &next;
    EXPECT_EQ(replay(all, policy.choice.recipe(), options, tests::kGoOn), t.achievable)
        << policy.label;
  }
}

TEST(Mrc, StopsWhenToldAndSaysSo) {
  const BlockStream all = stream();
  MrcOptions options;
  options.policies = {MrcPolicy("lru")};
  options.capacities = {10};
  options.proceed = [](double) { return false; };
  const Mrc mrc = miss_ratio_curves(all, options);
  EXPECT_FALSE(mrc.complete);
  EXPECT_FALSE(mrc.curves[0].points[0].has_value());
}

TEST(Replay, NamesTheFactsItLacks) {
  EXPECT_EQ(lacking_facts(FactNeeds::none), "");
  EXPECT_EQ(lacking_facts(kReplayFacts), "");
  EXPECT_EQ(lacking_facts(FactNeeds::queue | FactNeeds::time), "which blocks the queue waits for");
  EXPECT_EQ(lacking_facts(FactNeeds::use | FactNeeds::recompute),
            "who uses a block and what a block costs to recompute");
}

TEST(Replay, KnowsTheNextAccessOfEach) {
  const BlockStream all = tests::one_request({5, 6, 5, 5, 6});
  constexpr std::uint32_t kNone = 0xFFFFFFFF;
  EXPECT_EQ(next_accesses(all), (std::vector<std::uint32_t>{2, 4, 3, kNone, kNone}));
}

/// Evicts what is used last; written down here to see what a replay tells an oracle.
class Farthest final : public EvictionPolicy {
 public:
  static constexpr FactNeeds kNeeds = FactNeeds::future;
  explicit Farthest(const EvictionContext& context) : facts_(*context.facts) {}

  void on_insert(BlockId block, ContentId content) override {
    if (block.index() >= contents_.size()) contents_.resize(block.index() + 1);
    contents_[block.index()] = content;
  }
  void on_access(BlockId) override {}
  void on_pin(BlockId) override {}
  void on_unpin(BlockId) override {}
  void on_remove(BlockId) override {}
  BlockId victim(ContentId) override {
    std::size_t worst = 0;
    for (std::size_t i = 1; i < contents_.size(); ++i) {
      if (facts_.next_use(contents_[i]) > facts_.next_use(contents_[worst])) worst = i;
    }
    return BlockId{worst};
  }

 private:
  const BlockFacts& facts_;
  std::vector<ContentId> contents_;
};

TEST(Replay, TellsAnOracleTheFuture) {
  // Belady's own example has 9 misses with 3 frames (Belady, Nelson & Shedler, CACM 1969 count LRU
  // at 10); the optimum, 7, is in every textbook.
  const BlockStream all = tests::one_request({1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5});
  const std::vector<std::uint32_t> next = next_accesses(all);
  ReplayOptions options;
  options.capacity = 3;
  options.next = &next;
  const auto recipe = eviction_recipe<Farthest>();
  EXPECT_EQ(replay(all, *recipe, options, tests::kGoOn)->blocks, 12 - 7);
  EXPECT_EQ(LruCurve(all, tests::kGoOn).at(3).blocks, 12 - 10);
}

}  // namespace
}  // namespace terrace
