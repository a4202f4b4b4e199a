// When tiers are written, what waits for a queue, and who waits for it: by hand, to the picosecond.
// A block takes 1 ms on every link.

#include "sim/kv/writes.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/random.hpp"
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

using Text = std::vector<ContentId>;

/// A step that uses the whole text, computing what HBM does not have.
void use(Fleet& f, const Text& text, std::size_t replica = 0) {
  const auto hits = static_cast<std::int64_t>(f.cached(text, replica));
  const std::vector<BlockId> blocks = f.compute(text, replica);
  f.hierarchy.writes().reused(ReplicaId{replica}, blocks, text, hits);
  f.leave(blocks, replica);
}

bool engine_blocked(const Fleet& f, std::size_t replica = 0) {
  return const_cast<Fleet&>(f).hierarchy.writes().block_engine(ReplicaId{replica});
}

// --- selective -----------------------------------------------------------------------------------

TEST(WritesSelective, ABlockIsWrittenAtItsNthUse) {
  for (std::int64_t n = 1; n <= 4; ++n) {
    Fleet f(8, {kDram.selective(n)});
    const Text a = f.text(1, 3);
    for (std::int64_t i = 1; i <= 4; ++i) {
      use(f, a);
      f.run();
      EXPECT_EQ(f.in_tier(0, a), i < n ? "..." : "xxx") << i << " uses of " << n;
    }
    EXPECT_EQ(f.counters(0).written, kMegabyte * 3) << "once, whatever comes after";
  }
}

TEST(WritesSelective, OnlyWhatWasUsedAgainIsWritten) {
  Fleet f(8, {kDram.selective(2)});
  const Text a = f.text(1, 4);
  use(f, a);
  use(f, {a.begin(), a.begin() + 2});
  f.run();
  EXPECT_EQ(f.in_tier(0, a), "xx..");
}

TEST(WritesSelective, ComputingWhatNobodyHasStartsTheCountAnew) {
  Fleet f(4, {kDram.selective(2)});
  const Text a = f.text(1, 2);
  use(f, a);
  f.flush();
  use(f, a);
  f.run();
  EXPECT_EQ(f.in_tier(0, a), "..");
  use(f, a);
  f.run();
  EXPECT_EQ(f.in_tier(0, a), "xx");
}

TEST(WritesSelective, ComputingASecondCopyIsAUse) {
  Fleet f(8, {kDram.selective(2)}, 2);
  const Text a = f.text(1, 2);
  use(f, a, 0);
  use(f, a, 1);
  f.run();
  EXPECT_EQ(f.in_tier(0, a), "xx");
}

/// HiCache's host pool and tree are each instance's own.
TEST(WritesSelective, PrivatePartsCountForThemselves) {
  Fleet f(8, {kDram.selective(2).private_to_each()}, 2);
  const Text a = f.text(1, 2);
  use(f, a, 0);
  use(f, a, 1);
  f.run();
  EXPECT_EQ(f.in_tier(0, a, 0) + f.in_tier(0, a, 1), "....");
  use(f, a, 0);
  f.run();
  EXPECT_EQ(f.in_tier(0, a, 0) + f.in_tier(0, a, 1), "xx..");
  use(f, a, 1);
  f.run();
  EXPECT_EQ(f.in_tier(0, a, 0) + f.in_tier(0, a, 1), "xxxx");
}

/// HiCache tries at each hit from the threshold on, until there is a backup.
TEST(WritesSelective, WhatFoundNoRoomIsOfferedAgainAtTheNextUse) {
  Fleet f(8, {kDram.of(2).selective(2)});
  const Text a = f.text(1, 2);
  const Text b = f.text(2, 1);
  use(f, a);
  use(f, b);
  use(f, a);
  use(f, b);  // both blocks of the tier are in use
  EXPECT_EQ(f.counters(0).writes_skipped, 1);
  f.run();
  EXPECT_EQ(f.in_tier(0, a) + f.in_tier(0, b), "xx.");
  use(f, b);
  f.run();
  EXPECT_EQ(f.in_tier(0, b), "x");
}

TEST(WritesSelective, IsFedByTheTierAbove) {
  Fleet f(8, {kDram, kNvme.selective(2)});
  const Text a = f.text(1, 2);
  use(f, a);
  f.run();
  EXPECT_EQ(f.in_tier(0, a) + f.in_tier(1, a), "xx..");
  use(f, a);
  f.run_to(3999us);
  EXPECT_EQ(f.in_tier(1, a), "..");
  f.run_to(4001us);
  EXPECT_EQ(f.in_tier(1, a), "xx");
}

TEST(WritesSelective, WhatIsStillOnItsWayAboveIsPassedOnWhenItArrives) {
  Fleet f(8, {kDram, kNvme.selective(2)});
  const Text a = f.text(1, 2);
  use(f, a);
  use(f, a);
  f.run_to(3999us);
  EXPECT_EQ(f.in_tier(0, a) + f.in_tier(1, a), "xx..");
  f.run_to(4001us);
  EXPECT_EQ(f.in_tier(1, a), "xx");
}

TEST(WritesSelective, CountsBlocksOfItsOwnSize) {
  Fleet f(8, {kDram.by(2).selective(2)});
  const Text a = f.text(1, 5);
  use(f, a);
  use(f, {a.begin(), a.begin() + 3});
  f.run();
  EXPECT_EQ(f.in_tier(0, a), "x.");
}

TEST(WritesSelective, ARecycledIdStartsAtNought) {
  Fleet f(8, {kDram.selective(2).private_to_each(), kNetwork}, 2);
  const Text a = f.text(1, 1);
  use(f, a);
  f.hierarchy.writes().forget(a[0]);
  use(f, a);
  f.run();
  EXPECT_EQ(f.in_tier(0, a), ".");
}

// --- back, in batches ----------------------------------------------------------------------------

TEST(WritesBatched, NothingMovesBeforeTheBatchIsFull) {
  Fleet f(2, {kDram.back_batched(4)});
  const Text a = f.text(1, 2);
  const Text b = f.text(2, 2);
  use(f, a);
  use(f, b);
  f.run_to(10ms);
  EXPECT_EQ(f.counters(0).written, Bytes{});
  f.flush();
  f.run_to(13999us);
  EXPECT_EQ(f.in_tier(0, a) + f.in_tier(0, b), "....");
  f.run_to(14001us);
  EXPECT_EQ(f.in_tier(0, a) + f.in_tier(0, b), "xxxx");
}

TEST(WritesBatched, TooFewStayUnwritten) {
  Fleet f(2, {kDram.back_batched(3)});
  use(f, f.text(1, 2));
  f.flush();
  f.run();
  EXPECT_EQ(f.counters(0).written, Bytes{});
  EXPECT_EQ(f.hierarchy.hbm(ReplicaId{0}).held_blocks(), 0) << "they wait in a staging buffer";
}

/// Else nothing would ever be written.
TEST(WritesBatched, ATierSmallerThanABatchIsWrittenWhenItHasNoRoomForMore) {
  Fleet f(2, {kDram.of(2).back_batched(64)});
  const Text a = f.text(1, 2);
  use(f, a);
  f.flush();
  f.run();
  EXPECT_EQ(f.in_tier(0, a), "xx");
}

TEST(WritesBatched, PartBatchesOfSeveralReplicasDoNotFillTheTierForGood) {
  Fleet f(1, {kDram.of(3).back_batched(4)}, 3);
  const Text a = f.text(1, 1);
  const Text b = f.text(2, 1);
  const Text c = f.text(3, 1);
  const Text d = f.text(4, 1);
  use(f, a, 0);
  use(f, b, 1);
  f.flush(0);
  f.flush(1);
  f.run_to(5ms);
  EXPECT_EQ(f.counters(0).written, Bytes{}) << "one block each";
  use(f, c, 1);
  f.flush(1);
  f.run_to(10ms);
  EXPECT_EQ(f.in_tier(0, b) + f.in_tier(0, c), "xx") << "the one that took the last block";
  use(f, d, 2);
  use(f, f.text(5, 1), 2);
  use(f, f.text(6, 1), 2);
  f.flush(2);
  f.run();
  EXPECT_EQ(f.in_tier(0, d), "x");
  f.hierarchy.check_invariants();
}

// --- queues --------------------------------------------------------------------------------------

/// One block moves; `text` of as many blocks as said follow it into the queue.
Fleet& moving_one(Fleet& f) {
  use(f, f.text(99, 1));
  return f;
}

TEST(WritesQueue, SkipLeavesOutTheYoungest) {
  Fleet f(16, {kDram.queue_of(2, WhenFull::skip)});
  const Text a = f.text(1, 4);
  use(moving_one(f), a);
  EXPECT_EQ(f.counters(0).writes_skipped, 2);
  EXPECT_EQ(f.hierarchy.hbm(ReplicaId{0}).held_blocks(), 3) << "what is left out is not held";
  f.run_to(2999us);
  EXPECT_EQ(f.in_tier(0, a), "....");
  f.run_to(3001us);
  EXPECT_EQ(f.in_tier(0, a), "xx..");
  EXPECT_EQ(f.counters(0).writes_dropped, 0);
}

TEST(WritesQueue, DropOldestLeavesOutTheOldest) {
  Fleet f(16, {kDram.queue_of(2, WhenFull::drop_oldest)});
  const Text a = f.text(1, 4);
  use(moving_one(f), a);
  EXPECT_EQ(f.counters(0).writes_dropped, 2);
  EXPECT_EQ(f.counters(0).writes_skipped, 0);
  EXPECT_EQ(f.hierarchy.hbm(ReplicaId{0}).held_blocks(), 3);
  f.run_to(2999us);
  EXPECT_EQ(f.in_tier(0, a), "....");
  f.run_to(3001us);
  EXPECT_EQ(f.in_tier(0, a), "..xx");
  EXPECT_EQ(f.counters(0).written, kMegabyte * 3);
  f.hierarchy.check_invariants();
}

TEST(WritesQueue, ADroppedBlockLetsGoOfAllItsSourcesTheLastFirst) {
  Fleet f(9, {kDram.by(2).queue_of(1, WhenFull::drop_oldest)});
  const Text a = f.text(1, 2);
  const Text b = f.text(2, 2);
  const Text c = f.text(3, 2);
  use(f, a);
  use(f, b);
  use(f, c);
  EXPECT_EQ(f.counters(0).writes_dropped, 1);
  EXPECT_EQ(f.hierarchy.hbm(ReplicaId{0}).held_blocks(), 4);
  BlockPool& hbm = f.hierarchy.hbm(ReplicaId{0});
  for (int i = 0; i < 4; ++i) hbm.allocate();  // three empty blocks, and one of b
  EXPECT_EQ(f.cached(b), 1U) << "the head outlives the tail";
  f.run();
  EXPECT_EQ(f.in_tier(0, a) + f.in_tier(0, b) + f.in_tier(0, c), "x.x");
  EXPECT_EQ(hbm.held_blocks(), 4);
}

TEST(WritesQueue, ADroppedBlockMakesRoomInAFullTier) {
  Fleet f(16, {kDram.of(2).queue_of(1, WhenFull::drop_oldest)});
  const Text a = f.text(1, 1);
  const Text b = f.text(2, 1);
  use(moving_one(f), a);
  use(f, b);
  f.run();
  EXPECT_EQ(f.in_tier(0, a) + f.in_tier(0, b), ".x");
  EXPECT_EQ(f.counters(0).writes_skipped, 0);
}

TEST(WritesQueue, EachMemoryThatWritesHasItsOwn) {
  Fleet f(16, {kDram.queue_of(1, WhenFull::skip)}, 2);
  for (const std::size_t replica : {0U, 1U}) {
    use(f, f.text(10 + replica, 1), replica);
    use(f, f.text(20 + replica, 2), replica);
  }
  EXPECT_EQ(f.counters(0).writes_skipped, 2) << "one of each";
}

TEST(WritesQueue, ABlockingQueueTakesAllThatOneStepAdds) {
  Fleet f(16, {kDram.queue_of(2, WhenFull::block)});
  const Text a = f.text(1, 4);
  use(moving_one(f), f.text(2, 1));
  EXPECT_FALSE(engine_blocked(f));
  use(f, a);
  EXPECT_TRUE(engine_blocked(f));
  f.run_to(999us);
  EXPECT_TRUE(engine_blocked(f));
  EXPECT_EQ(f.ticks, 0);
  f.run_to(1001us);
  EXPECT_FALSE(engine_blocked(f)) << "all that waited moves now";
  EXPECT_GE(f.ticks, 1) << "and the engine is told";
  f.run();
  EXPECT_EQ(f.in_tier(0, a), "xxxx");
  EXPECT_EQ(f.counters(0).writes_skipped + f.counters(0).writes_dropped, 0);
}

/// NVMe takes 1 ms for each block, as does DRAM, but from time to time its queue is full.
TEST(WritesQueue, ABlockedTierBlocksTheOneAbove) {
  Fleet f(32, {kDram.queue_of(1, WhenFull::block), kNvme.by(4).queue_of(1, WhenFull::block)});
  std::vector<Text> texts;
  for (std::uint64_t i = 1; i <= 4; ++i) {
    texts.push_back(f.text(i, 4));
    use(f, texts.back());
    f.run_to(std::chrono::milliseconds(4 * i) + 1us);
  }
  // At 4, 8, 12 and 16 ms a text has arrived in DRAM, and at 8, 12 and 16 one in NVMe.
  EXPECT_EQ(f.in_tier(1, texts[2]) + f.in_tier(1, texts[3]), "x.");
  f.run();
  for (const Text& text : texts) EXPECT_EQ(f.in_tier(0, text) + f.in_tier(1, text), "xxxxx");
}

/// The engine goes on when its queue is empty, not when what left it has arrived.
TEST(WritesQueue, TheEngineIsToldWhenABlockageBelowIsOver) {
  Fleet f(64, {kDram.queue_of(1, WhenFull::block), kNvme.queue_of(1, WhenFull::block)});
  use(f, f.text(1, 8));  // in DRAM at 8 ms, then on NVMe until 16 ms
  use(f, f.text(2, 2));  // waits, moves at 8 ms, is in DRAM at 10 ms and waits for NVMe: full
  f.run_to(8001us);
  use(f, f.text(3, 2));  // waits for text 2
  EXPECT_TRUE(engine_blocked(f));
  f.run_to(10001us);  // NVMe's queue is full: text 3 may not move
  EXPECT_TRUE(engine_blocked(f));
  EXPECT_EQ(f.in_tier(0, f.text(2, 2)), "xx");
  f.run_to(15999us);
  EXPECT_TRUE(engine_blocked(f));
  const std::int64_t ticks = f.ticks;
  f.run_to(16001us);
  EXPECT_FALSE(engine_blocked(f));
  EXPECT_GT(f.ticks, ticks);
  f.run();
  for (std::uint64_t i = 2; i <= 3; ++i) {
    EXPECT_EQ(f.in_tier(0, f.text(i, 2)) + f.in_tier(1, f.text(i, 2)), "xxxx") << i;
  }
}

/// DRAM copies to the network and demotes to NVMe, whose queue blocks.
TEST(WritesQueue, ABlockedDemotionBlocksTheTierToo) {
  Fleet f(64, {kDram.of(4), kNvme.back().queue_of(2, WhenFull::block), kNetwork});
  const Text a = f.text(1, 4);
  const Text b = f.text(2, 3);
  use(f, a);
  f.run_to(20ms);
  use(f, b);  // demotes three blocks: one moves until 21 ms, two wait, and with them DRAM
  f.run_to(23999us);
  EXPECT_EQ(f.in_tier(0, b) + f.in_tier(1, a), "....xxx");
  f.run_to(24001us);
  EXPECT_EQ(f.in_tier(0, b), "xxx");
  f.run();
  EXPECT_EQ(f.in_tier(2, b), "xxx");
  EXPECT_EQ(f.hierarchy.hbm(ReplicaId{0}).held_blocks(), 0);
}

/// What DRAM passes on to the network says nothing about writes into NVMe.
TEST(WritesQueue, AQueuePastATierDoesNotBlockIt) {
  Fleet f(64, {kDram.of(8), kNvme.back(), kNetwork.queue_of(1, WhenFull::block)});
  const Text a = f.text(1, 4);
  use(f, a);  // on the network at 8 ms
  f.run_to(9ms);
  use(f, f.text(2, 4));  // in DRAM at 13 ms, on the network at 17 ms
  f.run_to(14ms);
  use(f, f.text(3, 1));  // demotes one block until 15 ms, then waits for the network: full
  f.run_to(15500us);
  use(f, f.text(4, 1));  // demotes another one until 16.5 ms, but may not go to DRAM itself
  f.run_to(16501us);
  EXPECT_EQ(f.in_tier(1, a), "..xx");
  f.run_to(17999us);
  EXPECT_EQ(f.in_tier(0, f.text(4, 1)), ".");
  f.run_to(18001us);
  EXPECT_EQ(f.in_tier(0, f.text(4, 1)), "x");
  f.run();
  for (const Tier& tier : f.hierarchy.tiers()) EXPECT_EQ(tier.parts[0].pool.held_blocks(), 0);
}

// --- admission and promotion ---------------------------------------------------------------------

TEST(WritesAdmission, WhatIsDeclinedIsCountedAndNotWritten) {
  Fleet f(8, {kDram.admitting("never"), kNetwork});
  const Text a = f.text(1, 3);
  use(f, a);
  f.run();
  EXPECT_EQ(f.counters(0).writes_declined, 3);
  EXPECT_EQ(f.counters(0).written, Bytes{});
  EXPECT_EQ(f.in_tier(1, a), "...") << "it is fed by the tier above";
}

TEST(WritesAdmission, PromotionFillsATierThatAdmitsNothing) {
  for (const bool in_place : {false, true}) {
    const Shape nvme = in_place ? kNvme.back().in_place() : kNvme.back();
    // The first tier is exclusive, so that what HBM evicts goes through it to NVMe.
    Fleet f(2, {kDram.of(2).back(), nvme});
    const Text a = f.text(1, 2);
    use(f, a);
    f.flush();
    f.run();
    use(f, f.text(2, 2));
    f.flush();
    f.run();
    ASSERT_EQ(f.in_tier(0, a) + f.in_tier(1, a), "..xx");
    f.load(a);
    f.run();
    EXPECT_EQ(f.in_tier(0, a), in_place ? ".." : "xx");
  }
}

// --- all rules -----------------------------------------------------------------------------------

struct Ends {
  std::string there;
  TierCounters counters;
};

/// The same visits to a tier of that shape.
Ends live(const Shape& shape, std::uint64_t seed, std::int64_t* offered = nullptr) {
  Fleet f(24, {shape}, 2);
  Random random(seed, "writes");
  for (int step = 0; step < 200; ++step) {
    const std::size_t replica = random.below(2);
    const Text text = f.text(random.below(14), 1 + static_cast<int>(random.below(8)));
    if (f.hierarchy.hbm(ReplicaId{replica}).free_blocks() >= 8) {
      if (offered != nullptr) *offered += f.offered_through(0, text, replica);
      use(f, text, replica);
    }
    f.run_to(f.loop.now() - SimTime{} + std::chrono::milliseconds(random.below(5)));
    f.hierarchy.check_invariants();
  }
  f.run();
  std::string there;
  for (std::uint64_t i = 0; i < 14; ++i) there += f.in_tier(0, f.text(i, 8)) + ' ';
  for (const HbmPart& part : f.hierarchy.hbm_parts()) EXPECT_EQ(part.pool.held_blocks(), 0);
  for (const TierPart& part : f.hierarchy.tiers()[0].parts) EXPECT_EQ(part.pool.held_blocks(), 0);
  return {there, f.counters(0)};
}

TEST(WritesLaws, EveryOfferIsWrittenOrCountedAsSomethingElse) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    for (const WhenFull when_full : {WhenFull::skip, WhenFull::drop_oldest, WhenFull::block}) {
      for (const std::int64_t ratio : {1, 2}) {
        std::int64_t offered = 0;
        const Ends ends = live(kDram.by(ratio)
                                   .queue_of(1 + static_cast<std::int64_t>(seed % 3), when_full)
                                   .admitting(seed % 2 == 0 ? "always" : "second_touch"),
                               seed, &offered);
        const TierCounters& c = ends.counters;
        ASSERT_EQ(c.written.count() % (kMegabyte.count() * ratio), 0);
        EXPECT_EQ(c.written.count() / (kMegabyte.count() * ratio) + c.writes_skipped +
                      c.writes_declined + c.writes_dropped,
                  offered);
      }
    }
  }
}

TEST(WritesLaws, SelectiveOfOneUseIsThroughWhereNothingIsLost) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Ends through = live(kDram, seed);
    const Ends selective = live(kDram.selective(1), seed);
    EXPECT_EQ(through.there, selective.there);
    EXPECT_EQ(through.counters.written, selective.counters.written);
  }
}

TEST(WritesLaws, BatchesOfOneAreNoBatches) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Ends back = live(kDram.of(20).back(), seed);
    const Ends batched = live(kDram.of(20).back_batched(1), seed);
    EXPECT_EQ(back.there, batched.there);
    EXPECT_EQ(back.counters.written, batched.counters.written);
    EXPECT_EQ(back.counters.writes_skipped, batched.counters.writes_skipped);
  }
}

TEST(WritesLaws, AQueueThatIsNeverFullIsNoQueue) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (const Shape& shape : {kDram.of(20), kDram.of(20).back(), kDram.of(20).selective(2)}) {
      const Ends without = live(shape, seed);
      for (const WhenFull rule : {WhenFull::skip, WhenFull::drop_oldest, WhenFull::block}) {
        const Ends with = live(shape.queue_of(1000, rule), seed);
        EXPECT_EQ(without.there, with.there);
        EXPECT_EQ(without.counters.written, with.counters.written);
      }
    }
  }
}

/// In one burst: later, what was written before makes a difference.
TEST(WritesLaws, ALongerQueueSkipsNoMore) {
  std::int64_t last = 1000;
  for (std::int64_t limit = 1; limit <= 8; ++limit) {
    Fleet f(16, {kDram.queue_of(limit, WhenFull::skip)});
    use(moving_one(f), f.text(1, 8));
    EXPECT_EQ(f.counters(0).writes_skipped, 8 - limit);
    EXPECT_LE(f.counters(0).writes_skipped, last);
    last = f.counters(0).writes_skipped;
  }
}

}  // namespace
}  // namespace terrace
