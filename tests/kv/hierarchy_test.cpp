#include "sim/kv/hierarchy.hpp"

#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "tests/kv/fleet.hpp"

namespace terrace {
namespace {

using namespace literals;
using testing::Fleet;
using testing::kDram;
using testing::kMegabyte;
using testing::kNetwork;
using testing::kNvme;
using testing::Shape;

/// Times are exact up to rounding at each change of rate.
void expect_at(Duration actual, Duration expected) {
  EXPECT_GE(actual, expected);
  EXPECT_LE(actual, expected + 1ns);
}

// --- down ----------------------------------------------------------------------------------------

TEST(Hierarchy, AWriteCanBeReadWhenItHasArrived) {
  Fleet f(8, {kDram});
  const auto a = f.text(1, 4);
  f.visit(a);
  f.run_to(3999us);
  EXPECT_EQ(f.in_tier(0, a), "....");
  EXPECT_EQ(f.below(a), 0);
  EXPECT_EQ(f.hierarchy.hbm(ReplicaId{0}).held_blocks(), 4) << "the source of a write is held";
  f.run_to(4001us);
  EXPECT_EQ(f.in_tier(0, a), "xxxx");
  EXPECT_EQ(f.below(a), 4);
  EXPECT_EQ(f.hierarchy.hbm(ReplicaId{0}).held_blocks(), 0);
  EXPECT_EQ(f.ticks, 1) << "the replica hears that blocks may have become free";
  EXPECT_EQ(f.counters(0).written, kMegabyte * 4);
}

TEST(Hierarchy, WritesFollowEachOtherInBatches) {
  Fleet f(16, {kDram});
  const auto a = f.text(1, 4);
  const auto b = f.text(2, 2);
  const auto c = f.text(3, 1);
  for (const auto& text : {a, b, c}) f.visit(text);
  f.run_to(6999us);
  EXPECT_EQ(f.in_tier(0, a), "xxxx");
  EXPECT_EQ(f.in_tier(0, b) + f.in_tier(0, c), "...");
  f.run_to(7001us);
  EXPECT_EQ(f.in_tier(0, b) + f.in_tier(0, c), "xxx");
}

TEST(Hierarchy, WhatIsOnItsWayIsNotWrittenTwice) {
  Fleet f(8, {kDram}, 2);
  const auto a = f.text(1, 4);
  f.visit(a, 0);
  f.visit(a, 1);
  f.run();
  EXPECT_EQ(f.counters(0).written, kMegabyte * 4);
  EXPECT_EQ(f.counters(0).writes_skipped, 0);
}

TEST(Hierarchy, AWriteIsSkippedIfAllBlocksBelowAreInUse) {
  Fleet f(8, {kDram.of(2)});
  const auto a = f.text(1, 3);
  const auto b = f.text(2, 2);
  f.visit(a);
  f.run();
  EXPECT_EQ(f.in_tier(0, a), "xx.");
  EXPECT_EQ(f.counters(0).writes_skipped, 1);
  f.visit(b);
  f.run();
  EXPECT_EQ(f.in_tier(0, a) + f.in_tier(0, b), "...xx");
  EXPECT_EQ(f.counters(0).writes_skipped, 1);
}

TEST(Hierarchy, WriteThroughGoesOnFromTierToTier) {
  Fleet f(8, {kDram, kNvme, kNetwork});
  const auto a = f.text(1, 4);
  f.visit(a);
  f.run_to(4001us);
  EXPECT_EQ(f.in_tier(0, a) + f.in_tier(1, a), "xxxx....");
  f.run_to(7999us);
  EXPECT_EQ(f.in_tier(1, a), "....") << "what arrived together goes on together";
  f.run_to(8001us);
  EXPECT_EQ(f.in_tier(1, a) + f.in_tier(2, a), "xxxx....");
  f.run_to(12001us);
  EXPECT_EQ(f.in_tier(2, a), "xxxx");
  EXPECT_EQ(f.ticks, 1);
}

TEST(Hierarchy, OnEvictWritesJustWhatIsEvicted) {
  Fleet f(4, {kDram.back()});
  const auto a = f.text(1, 4);
  f.visit(a);
  f.run();
  EXPECT_EQ(f.counters(0).written, Bytes{});
  f.visit(f.text(2, 2));
  EXPECT_EQ(f.hierarchy.hbm(ReplicaId{0}).held_blocks(), 0) << "through a staging buffer";
  EXPECT_EQ(f.below(a), 0);
  f.run();
  EXPECT_EQ(f.in_tier(0, a), "..xx") << "the tail of a prefix goes first";
  f.flush();
  f.run();
  EXPECT_EQ(f.in_tier(0, a), "xxxx");
  EXPECT_EQ(f.counters(0).written, kMegabyte * 6);
}

TEST(Hierarchy, EvictionsCascade) {
  Fleet f(2, {kDram.of(2).back(), kNvme.back()});
  const auto a = f.text(1, 2);
  for (std::uint64_t text = 1; text <= 3; ++text) {
    f.visit(f.text(text, 2));
    f.run();
  }
  EXPECT_EQ(f.in_tier(0, a) + f.in_tier(1, a), "..xx");
  EXPECT_EQ(f.in_tier(0, f.text(2, 2)), "xx");
}

/// The tier in the middle takes what the first evicts; the last follows the first.
TEST(Hierarchy, RulesMayAlternate) {
  Fleet f(8, {kDram.of(4), kNvme.back(), kNetwork});
  const auto a = f.text(1, 4);
  const auto b = f.text(2, 4);
  f.visit(a);
  f.run();
  EXPECT_EQ(f.in_tier(0, a) + f.in_tier(1, a) + f.in_tier(2, a), "xxxx....xxxx");
  f.visit(b);
  f.run();
  EXPECT_EQ(f.in_tier(0, a) + f.in_tier(1, a) + f.in_tier(2, a), "....xxxxxxxx");
  EXPECT_EQ(f.in_tier(0, b) + f.in_tier(1, b) + f.in_tier(2, b), "xxxx....xxxx");
  EXPECT_EQ(f.counters(2).written, kMegabyte * 8);
}

TEST(Hierarchy, AWriteThroughTierBelowAnotherKindIsWrittenFromHbm) {
  Fleet f(4, {kDram.back(), kNvme});
  const auto a = f.text(1, 4);
  f.visit(a);
  f.run();
  EXPECT_EQ(f.in_tier(0, a) + f.in_tier(1, a), "....xxxx");
  f.flush();
  f.run();
  EXPECT_EQ(f.in_tier(0, a), "xxxx");
  EXPECT_EQ(f.counters(1).written, kMegabyte * 4) << "evictions are not written on";
}

// --- up ------------------------------------------------------------------------------------------

TEST(Hierarchy, ALoadKeepsOrGivesUpTheCopyBelow) {
  for (const Shape& dram : {kDram.back(), kDram.exclusive()}) {
    Fleet f(4, {dram});
    const auto a = f.text(1, 4);
    f.visit(a);
    f.flush();
    f.run_to(10ms);
    ASSERT_EQ(f.in_tier(0, a), "xxxx");
    EXPECT_EQ(f.load(a, 0, 7), 4);
    f.run_to(13ms);
    EXPECT_EQ(f.in_tier(0, a), "xxxx") << "the source is held";
    EXPECT_EQ(f.hierarchy.tiers()[0].parts[0].pool.held_blocks(), 4);
    f.run();
    ASSERT_EQ(f.loaded.size(), 1U);
    EXPECT_EQ(f.loaded[0].first, 7U);
    expect_at(f.loaded[0].second, 14ms);
    EXPECT_EQ(f.in_tier(0, a), dram.inclusion == Inclusion::inclusive ? "xxxx" : "....");
    EXPECT_EQ(f.load(a), 0) << "all is in HBM now";
    EXPECT_EQ(f.counters(0).read, kMegabyte * 4);
  }
}

TEST(Hierarchy, AnExclusiveTierWaitsForItsLastReader) {
  Fleet f(4, {kDram.exclusive()}, 2);
  const auto a = f.text(1, 4);
  f.visit(a);
  f.flush();
  f.run_to(10ms);
  f.load(a, 0, 1);
  f.run_to(11ms);
  f.load(a, 1, 2);
  f.run_to(14500us);
  EXPECT_EQ(f.loaded.size(), 1U);
  EXPECT_EQ(f.in_tier(0, a), "xxxx");
  f.run();
  EXPECT_EQ(f.loaded.size(), 2U);
  EXPECT_EQ(f.in_tier(0, a), "....");
}

TEST(Hierarchy, WhatIsBeingLoadedCannotBeEvicted) {
  Fleet f(8, {kDram.of(4)});
  const auto a = f.text(1, 4);
  const auto b = f.text(2, 2);
  f.visit(a);
  f.run();
  f.flush();
  f.load(a);
  f.visit(b);
  EXPECT_EQ(f.counters(0).writes_skipped, 2);
  f.run();
  EXPECT_EQ(f.in_tier(0, a) + f.in_tier(0, b), "xxxx..");
}

/// What comes from farther below passes through DRAM, and an inclusive tier there keeps it.
TEST(Hierarchy, LoadsFromBelowDramAreKeptThere) {
  for (const Shape& dram : {kDram.of(4), kDram.of(4).back(), kDram.of(4).exclusive()}) {
    Fleet f(4, {dram, kNvme});
    const auto a = f.text(1, 4);
    f.visit(a);
    f.run();
    f.flush();
    f.run();
    f.visit(f.text(2, 4));
    f.run();
    f.flush();
    f.run();
    ASSERT_EQ(f.in_tier(0, a) + f.in_tier(1, a), "....xxxx");
    const Bytes written = f.counters(0).written;
    EXPECT_EQ(f.load(a), 4);
    f.run();
    EXPECT_EQ(f.in_tier(0, a), dram.inclusion == Inclusion::inclusive ? "xxxx" : "....");
    EXPECT_EQ(f.counters(0).written, written) << "the bytes were those of the load";
    EXPECT_EQ(f.counters(0).read, Bytes{});
    EXPECT_EQ(f.counters(1).read, kMegabyte * 4);
  }
}

/// One block in HBM, one in DRAM, two on NVMe, one nowhere.
TEST(Hierarchy, ALookupIsCountedDownTheTiersAndALoadFromTwoEndsOnce) {
  Fleet f(4, {kDram.of(3).back(), kNvme.back()});
  const auto a = f.text(1, 5);
  const std::vector<ContentId> first(a.begin(), a.begin() + 1);
  f.visit({a.begin(), a.begin() + 4});
  for (std::uint64_t other = 2; other <= 5; ++other) {
    f.visit(f.text(other, 1));
    f.run();
  }
  f.visit(first);
  f.run();
  ASSERT_EQ(f.in_tier(0, a) + f.in_tier(1, a), "xx.....xx.");
  const Duration start = f.loop.now() - SimTime{};
  EXPECT_EQ(f.load(a), 3);
  f.run();
  ASSERT_EQ(f.loaded.size(), 1U);
  expect_at(f.loaded[0].second, start + 2ms);
  const TierCounters& hbm = f.hierarchy.hbm_counters();
  EXPECT_EQ(hbm.lookups, 80_tok);
  EXPECT_EQ(hbm.hits, 16_tok);
  EXPECT_EQ(f.counters(0).lookups, 64_tok);
  EXPECT_EQ(f.counters(0).hits, 16_tok);
  EXPECT_EQ(f.counters(1).lookups, 48_tok);
  EXPECT_EQ(f.counters(1).hits, 32_tok);
  EXPECT_EQ(f.counters(1).hit_blocks, 2);
  EXPECT_EQ(f.counters(0).loads, 1);
  EXPECT_EQ(f.counters(1).loads, 1);
  expect_at(f.counters(0).load_time, 1ms);
  expect_at(f.counters(1).load_time, 2ms);
}

TEST(Hierarchy, WhatIsEvictedOrOnItsWayIsStillMarked) {
  Fleet f(4, {kDram.back()});
  const auto a = f.text(1, 4);
  f.visit(a);
  f.flush();
  std::set<ContentId> marked;
  f.hierarchy.mark_contents([&](ContentId content) { marked.insert(content); });
  EXPECT_EQ(marked, (std::set<ContentId>(a.begin(), a.end())));
}

}  // namespace
}  // namespace terrace
