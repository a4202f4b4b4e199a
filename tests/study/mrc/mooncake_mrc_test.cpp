// Exact counts on a recorded trace, which other programs have found, too.

#include <cstdint>
#include <filesystem>

#include <gtest/gtest.h>

#include "sim/study/mrc/block_stream.hpp"
#include "sim/study/mrc/lru_curve.hpp"
#include "sim/study/mrc/replay.hpp"
#include "sim/study/mrc/shards.hpp"
#include "sim/workload/trace.hpp"
#include "tests/study/mrc/streams.hpp"

namespace terrace {
namespace {

using tests::kGoOn;

constexpr std::int64_t kCapacities[] = {1'000, 10'000, 30'000, 50'000, 100'000};

class MooncakeMrc : public testing::Test {
 protected:
  void SetUp() override {
    spec_.path = tests::mooncake_path();
    if (!std::filesystem::exists(spec_.path)) {
      GTEST_SKIP() << "TERRACE_DATA does not name a folder with traces/";
    }
    ASSERT_EQ(trace_hash_block(trace_file(spec_.path), spec_), Tokens{512});
  }

  [[nodiscard]] BlockStream stream(const StreamOptions& options) const {
    const auto workload = open_trace(spec_, 0);
    return collect_stream(*workload, options, kGoOn);
  }
  [[nodiscard]] BlockStream hashes() const { return stream({Tokens{512}, true, false}); }

  TraceSpec spec_;
};

TEST_F(MooncakeMrc, OneReadForEachHashId) {
  const StreamTotals t = totals(hashes());
  EXPECT_EQ(t.requests, 12'031);
  EXPECT_EQ(t.reads, 288'500);
  EXPECT_EQ(t.unique, 182'790);
  EXPECT_EQ(t.compulsory_misses, 182'790);
  EXPECT_EQ(t.achievable.blocks, 105'710);
  const StreamTotals small = totals(stream({Tokens{16}, false, false}));
  EXPECT_EQ(small.prompt, t.prompt);
  EXPECT_GT(small.achievable.usable_blocks, 32 * 100'000);
}

TEST_F(MooncakeMrc, LruMissesWhatOthersHaveCounted) {
  const BlockStream all = hashes();
  const LruCurve curve(all, kGoOn);
  const std::int64_t misses[] = {275'669, 227'579, 194'533, 186'210, 183'576};
  const std::int64_t usable[] = {12'831, 60'921, 93'967, 102'290, 104'924};
  for (std::size_t i = 0; i < 5; ++i) {
    const HitCounts hits = curve.at(kCapacities[i]);
    EXPECT_EQ(288'500 - hits.blocks, misses[i]);
    EXPECT_EQ(hits.usable_blocks, usable[i]);
  }
}

/// A block's past was used when it was, or later: see ShardsCurve, which relies on it.
TEST_F(MooncakeMrc, LruNeverHitsPastTheFirstMiss) {
  for (const StreamOptions& options :
       {StreamOptions{Tokens{512}, true, false}, StreamOptions{Tokens{512}, false, true}}) {
    const BlockStream all = stream(options);
    const LruCurve curve(all, kGoOn);
    for (std::int64_t capacity = 1; capacity < 200'000; capacity = capacity * 4 / 3 + 1) {
      const HitCounts hits = curve.at(capacity);
      EXPECT_EQ(hits.blocks, hits.usable_blocks) << capacity;
      EXPECT_EQ(hits.tokens, hits.usable_tokens) << capacity;
    }
  }
}

TEST_F(MooncakeMrc, LruReplaysLikeItsCurve) {
  const BlockStream all = hashes();
  const LruCurve curve(all, kGoOn);
  const auto lru = config::find_recipe<EvictionRecipe>("lru");
  ReplayOptions options;
  options.capacity = 10'000;
  EXPECT_EQ(replay(all, *lru, options, kGoOn), curve.at(10'000));
}

TEST_F(MooncakeMrc, FifoHitsPastTheFirstMissWhatNobodyCanUse) {
  const BlockStream all = hashes();
  const auto fifo = config::find_recipe<EvictionRecipe>("fifo");
  const std::int64_t usable[] = {12'509, 52'351, 84'936, 96'228, 102'794};
  for (std::size_t i = 0; i < 5; ++i) {
    ReplayOptions options;
    options.capacity = kCapacities[i];
    const auto hits = replay(all, *fifo, options, kGoOn);
    EXPECT_EQ(hits->usable_blocks, usable[i]);
    EXPECT_GE(hits->blocks, hits->usable_blocks);
  }
}

/// LFU and Belady keep no block of which an earlier one is gone, as LRU does.
TEST_F(MooncakeMrc, LfuAndBeladyHitWhatOthersHaveCounted) {
  const BlockStream all = hashes();
  const std::vector<std::uint32_t> next = next_accesses(all);
  const std::int64_t lfu[] = {13'871, 38'013, 79'595, 99'189, 104'755};
  const std::int64_t belady[] = {54'994, 105'710, 105'710, 105'710, 105'710};
  for (std::size_t i = 0; i < 5; ++i) {
    ReplayOptions options;
    options.capacity = kCapacities[i];
    options.next = &next;
    const auto by_lfu = replay(all, *config::find_recipe<EvictionRecipe>("lfu"), options, kGoOn);
    EXPECT_EQ(by_lfu->usable_blocks, lfu[i]);
    EXPECT_EQ(by_lfu->blocks, lfu[i]);
    const auto by_belady =
        replay(all, *config::find_recipe<EvictionRecipe>("belady"), options, kGoOn);
    EXPECT_EQ(by_belady->usable_blocks, belady[i]);
    EXPECT_EQ(by_belady->blocks, belady[i]);
  }
}

/// As many as any cache can: from 10,000 blocks on only what was never there is missed.
TEST_F(MooncakeMrc, BeladyMissesWhatOthersHaveCounted) {
  const BlockStream all = hashes();
  const std::vector<std::uint32_t> next = next_accesses(all);
  const auto belady = config::find_recipe<EvictionRecipe>("belady");
  ReplayOptions options;
  options.next = &next;
  options.capacity = 1'000;
  EXPECT_EQ(288'500 - replay(all, *belady, options, kGoOn)->blocks, 233'506);
  options.capacity = 10'000;
  EXPECT_EQ(288'500 - replay(all, *belady, options, kGoOn)->blocks, 182'790);
}

/// Small traces need the exact method: so few blocks are sampled that the bar is wide, but it
/// holds.
TEST_F(MooncakeMrc, ShardsSaysHowLittleItKnows) {
  const BlockStream all = hashes();
  const LruCurve exact(all, kGoOn);
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const ShardsCurve sampled(all, {0.01, 0, seed}, kGoOn);
    for (const std::int64_t capacity : kCapacities) {
      const auto off = static_cast<double>(sampled.at(capacity).blocks - exact.at(capacity).blocks);
      EXPECT_LT(std::abs(off), 5 * sampled.error(capacity)) << seed << ' ' << capacity;
    }
    EXPECT_GT(sampled.error(30'000) / 288'500, 0.002);
  }
}

}  // namespace
}  // namespace terrace
