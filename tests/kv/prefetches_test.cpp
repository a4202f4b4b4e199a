#include "sim/kv/prefetches.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "tests/kv/fleet.hpp"

namespace terrace {
namespace {

using namespace literals;
using testing::Fleet;
using testing::kDram;
using testing::kMegabyte;
using testing::kNvme;
using testing::Shape;

constexpr ReplicaId kReplica{0};

/// DRAM that takes nothing but what is brought up from the drive.
Shape dram(std::int64_t blocks) { return kDram.of(blocks).back().admitting("never"); }
Shape drive(std::int64_t batch) { return kNvme.prefetching(PrefetchPolicy::queue, batch); }

/// A text that lies on the drive, and there alone.
std::vector<ContentId> on_drive(Fleet& f, std::uint64_t content, std::int64_t blocks) {
  const auto text = f.text(content, blocks);
  f.visit(text);
  f.run();
  f.flush();
  return text;
}

Prefetches::Handle prefetch(Fleet& f, const std::vector<ContentId>& text, std::size_t request = 0) {
  return f.hierarchy.prefetches().begin(
      1, kReplica, RequestId{request},
      f.hierarchy.to_prefetch(1, kReplica, text, static_cast<std::int64_t>(text.size())));
}

std::int64_t held(const Fleet& f, std::size_t tier) {
  return f.hierarchy.tiers()[tier].parts[0].pool.held_blocks();
}

/// Times are exact up to rounding at each change of rate.
void expect_done(const Fleet& f, std::size_t index, std::size_t request, Duration at) {
  ASSERT_GT(f.prefetched.size(), index);
  EXPECT_EQ(f.prefetched[index].first, request);
  EXPECT_GE(f.prefetched[index].second, at);
  EXPECT_LE(f.prefetched[index].second, at + 2ns);
}

// Six blocks, two at a time, from 10 ms on: there are two more at 12, 14 and 16 ms.
TEST(Prefetches, MoveBatchByBatch) {
  Fleet f(8, {dram(8), drive(2)});
  const auto a = on_drive(f, 1, 6);
  f.run_to(10ms);
  EXPECT_TRUE(f.hierarchy.prefetches().under_way(prefetch(f, a)));
  f.run_to(11ms);
  EXPECT_EQ(held(f, 0), 2);
  EXPECT_EQ(held(f, 1), 2) << "sources are held while they move";
  EXPECT_EQ(f.below(a), 0) << "what is on its way is not sent from farther below";
  EXPECT_EQ(f.below(a, 2), 4);
  f.run_to(12001us);
  EXPECT_EQ(f.in_tier(0, a), "xx....");
  EXPECT_EQ(f.below(a), 2);
  EXPECT_EQ(held(f, 0), 4) << "what has arrived is held until all has";
  EXPECT_EQ(held(f, 1), 2);
  f.run_to(15999us);
  EXPECT_EQ(f.in_tier(0, a), "xxxx..");
  f.run();
  expect_done(f, 0, 0, 16ms);
  EXPECT_EQ(f.in_tier(0, a), "xxxxxx");
  EXPECT_EQ(f.in_tier(1, a), "xxxxxx");
  EXPECT_EQ(f.below(a), 6);
  EXPECT_EQ(held(f, 0) + held(f, 1), 0);
  EXPECT_EQ(f.counters(1).prefetches, 1);
  EXPECT_EQ(f.counters(1).prefetches_stopped, 0);
  EXPECT_EQ(f.counters(1).prefetched_blocks, 6);
  EXPECT_EQ(f.counters(1).prefetched, kMegabyte * 6);
  EXPECT_EQ(f.counters(1).read, Bytes{}) << "that is of loads";
}

TEST(Prefetches, WhatIsPrefetchedIsLoadedFromDram) {
  Fleet f(8, {dram(8), drive(8)});
  const auto a = on_drive(f, 1, 4);
  prefetch(f, a);
  f.run();
  f.load(a);
  f.run();
  EXPECT_EQ(f.counters(0).read, kMegabyte * 4);
  EXPECT_EQ(f.counters(1).read, Bytes{});
  EXPECT_EQ(f.counters(1).prefetch_used, 4);
  f.flush();
  f.load(a);
  f.run();
  EXPECT_EQ(f.counters(1).prefetch_used, 4) << "each counts once";
  EXPECT_EQ(f.counters(1).prefetch_unused, 0);
}

TEST(Prefetches, AStopLetsTheMovingBatchArrive) {
  Fleet f(8, {dram(8), drive(2)});
  const auto a = on_drive(f, 1, 6);
  f.run_to(10ms);
  const auto handle = prefetch(f, a);
  f.run_to(13ms);
  f.hierarchy.prefetches().stop(RequestId{0});
  EXPECT_FALSE(f.hierarchy.prefetches().under_way(handle));
  EXPECT_EQ(held(f, 0), 2);
  f.run();
  EXPECT_EQ(f.in_tier(0, a), "xxxx..");
  EXPECT_EQ(held(f, 0) + held(f, 1), 0);
  EXPECT_TRUE(f.prefetched.empty()) << "who stops it knows";
  EXPECT_EQ(f.counters(1).prefetches_stopped, 1);
  EXPECT_EQ(f.counters(1).prefetched_blocks, 4);
}

TEST(Prefetches, WindingUpTellsWhenTheMovingBatchIsThere) {
  Fleet f(8, {dram(8), drive(2)});
  const auto a = on_drive(f, 1, 6);
  const auto b = on_drive(f, 2, 2);
  f.run_to(10ms);
  prefetch(f, a, 0);
  prefetch(f, b, 1);
  f.run_to(13ms);
  EXPECT_FALSE(f.hierarchy.prefetches().wind_up(RequestId{1}, 1)) << "it has not begun";
  EXPECT_TRUE(f.hierarchy.prefetches().wind_up(RequestId{0}, 1));
  f.run();
  expect_done(f, 0, 0, 14ms);
  expect_done(f, 1, 1, 16ms);
  EXPECT_EQ(f.in_tier(0, a) + f.in_tier(0, b), "xxxx..xx");
  EXPECT_EQ(f.counters(1).prefetches_stopped, 1);
}

// The second job finds that all it wants is there, as soon as it is its turn.
TEST(Prefetches, OfTheSameTextMoveItOnce) {
  Fleet f(8, {dram(8), drive(2)});
  const auto a = on_drive(f, 1, 4);
  f.run_to(10ms);
  prefetch(f, a, 0);
  f.run_to(11ms);
  prefetch(f, a, 1);
  f.run();
  expect_done(f, 0, 0, 14ms);
  expect_done(f, 1, 1, 14ms);
  EXPECT_EQ(f.counters(1).prefetched_blocks, 4);
  EXPECT_EQ(f.counters(1).prefetches_stopped, 0);
}

TEST(Prefetches, NoneIsLargerThanItsDram) {
  Fleet f(8, {dram(3), drive(2)});
  const auto a = on_drive(f, 1, 6);
  f.run_to(10ms);
  prefetch(f, a);
  f.run();
  expect_done(f, 0, 0, 13ms);
  EXPECT_EQ(f.in_tier(0, a), "xxx...");
  EXPECT_EQ(f.counters(1).prefetches_stopped, 1);
}

TEST(Prefetches, EndWhereThereIsNoRoom) {
  Fleet f(8, {dram(4), drive(8)});
  const auto a = on_drive(f, 1, 3);
  const auto b = on_drive(f, 2, 2);
  f.run_to(10ms);
  prefetch(f, a, 0);
  f.run();
  f.flush();
  EXPECT_EQ(f.load(a), 3);  // holds three of the four
  EXPECT_TRUE(f.hierarchy.prefetches().under_way(prefetch(f, b, 1)));
  EXPECT_EQ(held(f, 0), 4);
  f.run();
  EXPECT_EQ(f.in_tier(0, b), "x.");
  expect_done(f, 1, 1, 14ms);
  EXPECT_EQ(f.counters(1).prefetches_stopped, 1);
  EXPECT_EQ(held(f, 0) + held(f, 1), 0);
}

TEST(Prefetches, WithNoRoomAtAllEndAtOnce) {
  Fleet f(8, {dram(3), drive(8)});
  const auto a = on_drive(f, 1, 3);
  const auto b = on_drive(f, 2, 2);
  f.run_to(10ms);
  prefetch(f, a, 0);
  f.run();
  f.flush();
  f.load(a);
  EXPECT_FALSE(f.hierarchy.prefetches().under_way(prefetch(f, b, 1)));
  EXPECT_EQ(held(f, 1), 0);
  f.run();
  EXPECT_EQ(f.counters(1).prefetches_stopped, 1);
  EXPECT_EQ(f.counters(1).prefetched_blocks, 3);
}

TEST(Prefetches, CountWhatIsEvictedUnused) {
  Fleet f(8, {dram(4), drive(8)});
  const auto a = on_drive(f, 1, 4);
  const auto b = on_drive(f, 2, 3);
  prefetch(f, a);
  f.run();
  prefetch(f, b);
  f.run();
  EXPECT_EQ(f.in_tier(0, a) + f.in_tier(0, b), "x...xxx") << "the tail goes first";
  EXPECT_EQ(f.counters(1).prefetch_unused, 3);
  EXPECT_EQ(f.counters(1).prefetch_used, 0);
}

// What waits for requests to be admitted holds at most its share: 5 of 10 blocks.
TEST(Prefetches, OnArrivalShareTheirPartOfDram) {
  Fleet f(16, {dram(10), kNvme.prefetching(PrefetchPolicy::on_arrival, 2, 0.5)});
  const auto a = on_drive(f, 1, 4);
  const auto b = on_drive(f, 2, 4);
  const auto c = on_drive(f, 3, 4);
  f.run_to(20ms);
  prefetch(f, a, 0);
  prefetch(f, b, 1);
  prefetch(f, c, 2);
  f.run();
  EXPECT_EQ(f.in_tier(0, a) + f.in_tier(0, b) + f.in_tier(0, c), "xxxxx.......");
  EXPECT_EQ(f.counters(1).prefetches_stopped, 2);
  prefetch(f, c, 2);
  f.run();
  EXPECT_EQ(f.in_tier(0, c), "xxxx") << "the share is free again";
}

TEST(Prefetches, OfLargerBlocksBringWhatIsMissing) {
  Fleet f(8, {dram(8), drive(1).by(2)});
  const auto a = on_drive(f, 1, 5);
  f.run_to(10ms);
  f.hierarchy.prefetches().begin(1, kReplica, RequestId{0},
                                 f.hierarchy.to_prefetch(1, kReplica, a, 2));
  f.run_to(12001us);
  EXPECT_EQ(f.in_tier(0, a), "xx...") << "a block of the drive";
  prefetch(f, a, 1);
  f.run();
  expect_done(f, 1, 1, 14001us);
  EXPECT_EQ(f.in_tier(0, a), "xxxx.") << "the fifth fills no block of the drive";
  EXPECT_EQ(f.counters(1).prefetched_blocks, 4);
}

TEST(Prefetches, MayBecomeARequestsOwn) {
  Fleet f(8, {dram(8), drive(2)});
  const auto a = on_drive(f, 1, 4);
  f.run_to(10ms);
  Prefetches& prefetches = f.hierarchy.prefetches();
  const auto handle =
      prefetches.begin(1, kReplica, RequestId::none(), f.hierarchy.to_prefetch(1, kReplica, a, 4));
  f.run_to(11ms);
  prefetches.adopt(handle, RequestId{7});
  prefetches.stop(RequestId{7});
  f.run();
  EXPECT_EQ(f.in_tier(0, a), "xx..");
  prefetches.adopt(handle, RequestId{7});  // it has ended: nothing happens
  EXPECT_FALSE(prefetches.wind_up(RequestId{7}, 1));
}

// HiCache: base + per_ki_token * tokens / 1024.
TEST(PrefetchSpec, TimeoutIsLinearInTokens) {
  PrefetchSpec spec;
  EXPECT_EQ(spec.timeout(0_tok), 1s);
  EXPECT_EQ(spec.timeout(1024_tok), 1250ms);
  EXPECT_EQ(spec.timeout(256_tok), 1062500us);
  EXPECT_EQ(spec.timeout(16384_tok), 5s);
  spec.timeout_per_ki_token = Duration{1};
  EXPECT_EQ(spec.timeout(2047_tok), 1s + Duration{1}) << "whole picoseconds";
  spec.timeout_per_ki_token = Duration::max();
  EXPECT_GE(spec.timeout(1'000'000_tok), Duration::max() / 4);
}

}  // namespace
}  // namespace terrace
