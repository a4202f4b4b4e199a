// Tiers with larger blocks, tiers of several replicas, and all of it at random.

#include <cstdint>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/random.hpp"
#include "sim/kv/hierarchy.hpp"
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

std::vector<ContentId> first(const std::vector<ContentId>& sequence, std::ptrdiff_t blocks) {
  return {sequence.begin(), sequence.begin() + blocks};
}

// --- larger blocks -------------------------------------------------------------------------------

TEST(HierarchyRatio, OnlyWholeBlocksAreWritten) {
  Fleet f(8, {kDram.by(2)});
  const auto a = f.text(1, 7);
  f.visit(a);
  f.run();
  EXPECT_EQ(f.in_tier(0, a), "xxx");
  EXPECT_EQ(f.counters(0).written, kMegabyte * 6);
  EXPECT_EQ(f.below(a), 6);
  EXPECT_EQ(f.below(a, 3), 3) << "the middle of a block can be read alone";
}

TEST(HierarchyRatio, ABlockIsWrittenWhenItsLastPartIsComplete) {
  Fleet f(8, {kDram.by(4)});
  const auto a = f.text(1, 4);
  for (std::ptrdiff_t length = 1; length <= 4; ++length) {
    EXPECT_EQ(f.in_tier(0, a), ".");
    f.visit(first(a, length));
    f.run();
  }
  EXPECT_EQ(f.in_tier(0, a), "x");
  EXPECT_EQ(f.counters(0).written, kMegabyte * 4);
}

TEST(HierarchyRatio, ALoadMovesOnlyWhatIsMissingAbove) {
  Fleet f(8, {kDram.by(4)});
  const auto a = f.text(1, 8);
  f.visit(a);
  f.run();
  f.flush();
  f.visit(first(a, 3));
  f.run();
  EXPECT_EQ(f.load(a), 5);
  f.run();
  EXPECT_EQ(f.counters(0).read, kMegabyte * 5);
  EXPECT_EQ(f.counters(0).hit_blocks, 5);
}

/// All that a step evicts leaves together, so a block below finds its parts whatever their order.
TEST(HierarchyRatio, EvictionsOfOneStepMakeWholeBlocks) {
  Fleet f(4, {kDram.back().by(2)});
  const auto a = f.text(1, 4);
  f.visit(a);
  f.visit(f.text(2, 2));
  f.run();
  EXPECT_EQ(f.in_tier(0, a), ".x");
  f.flush();
  f.run();
  EXPECT_EQ(f.in_tier(0, a), "xx");
  EXPECT_EQ(f.in_tier(0, f.text(2, 2)), "x");
}

TEST(HierarchyRatio, ABlockIsDemotedWhenItsTailLeavesBeforeItsHead) {
  Fleet f(4, {kDram.back().by(2)});
  const auto a = f.text(1, 4);
  f.visit(a);
  for (std::uint64_t other = 2; other <= 5; ++other) {
    f.visit(f.text(other, 1));
    f.run();
    EXPECT_EQ(f.in_tier(0, a), other < 4 ? ".x" : "xx") << "its tail has left, its head has not";
  }
  EXPECT_EQ(f.counters(0).written, kMegabyte * 4);
}

TEST(HierarchyRatio, TiersPassOnWholeBlocks) {
  Fleet f(8, {kDram.of(4), kNvme.by(2), kNetwork.by(4)});
  const auto a = f.text(1, 7);
  f.visit(first(a, 4));
  f.run();
  EXPECT_EQ(f.in_tier(0, a) + f.in_tier(1, a) + f.in_tier(2, a), "xxxx...xx.x");
  f.visit(a);
  f.run();
  EXPECT_EQ(f.in_tier(1, a) + f.in_tier(2, a), "xxxx");
}

TEST(HierarchyRatio, TiersDemoteWholeBlocks) {
  Fleet f(4, {kDram.of(4), kNvme.back().by(2)});
  const auto a = f.text(1, 4);
  f.visit(a);
  f.run();
  f.load(a);  // a look-up, which makes the head more recent than the tail
  f.visit(f.text(2, 4));
  f.run();
  EXPECT_EQ(f.in_tier(0, a) + f.in_tier(1, a), "....xx");
  EXPECT_EQ(f.counters(1).written, kMegabyte * 4);
}

TEST(HierarchyRatio, LargeBlocksAreKeptInDramInParts) {
  Fleet f(4, {kDram.of(4), kNetwork.by(2)});
  const auto a = f.text(1, 4);
  f.visit(a);
  f.run();
  f.visit(f.text(2, 4));
  f.run();
  ASSERT_EQ(f.in_tier(0, a) + f.in_tier(1, a), "....xx");
  EXPECT_EQ(f.load(a), 4);
  f.run();
  EXPECT_EQ(f.in_tier(0, a), "xxxx");
}

// --- several replicas ----------------------------------------------------------------------------

TEST(HierarchyScope, ASharedTierServesAllReplicas) {
  Fleet f(4, {kDram}, 2);
  const auto a = f.text(1, 4);
  f.visit(a, 0);
  f.run();
  EXPECT_EQ(f.below(a, 0, 1), 4);
  EXPECT_EQ(f.load(a, 1), 4);
}

TEST(HierarchyScope, APrivateTierServesItsReplicaOnly) {
  Fleet f(4, {kDram.private_to_each()}, 2);
  const auto a = f.text(1, 4);
  f.visit(a, 0);
  f.run();
  EXPECT_EQ(f.in_tier(0, a, 0) + f.in_tier(0, a, 1), "xxxx....");
  EXPECT_EQ(f.below(a, 0, 0), 4);
  EXPECT_EQ(f.below(a, 0, 1), 0);
}

TEST(HierarchyScope, ReplicasMeetInASharedTierBelowPrivateOnes) {
  Fleet f(4, {kDram.private_to_each(), kNetwork}, 2);
  const auto a = f.text(1, 4);
  f.visit(a, 1);
  f.run();
  EXPECT_EQ(f.in_tier(0, a, 0) + f.in_tier(1, a), "....xxxx");
  EXPECT_EQ(f.load(a, 0), 4);
  f.run();
  EXPECT_EQ(f.in_tier(0, a, 0), "xxxx") << "kept in the DRAM of the one that loaded";
}

/// One replica's half of a block arrives before the other's: it must not be passed on by halves.
TEST(HierarchyScope, ABlockWhoseFirstHalfIsStillOnItsWayIsNotPassedOn) {
  Fleet f(32, {kDram, kNetwork.by(2)}, 2);
  const auto a = f.text(1, 2);
  f.visit(f.text(2, 20), 0);
  f.visit(first(a, 1), 0);
  f.visit(a, 1);
  f.run_to(2ms);
  EXPECT_EQ(f.in_tier(0, a), ".x");
  f.run_to(4ms);
  EXPECT_EQ(f.in_tier(1, a), ".");
  f.run();
  EXPECT_EQ(f.in_tier(0, a), "xx");
  f.hierarchy.check_invariants();
}

// --- at random -----------------------------------------------------------------------------------

std::vector<Shape> random_shapes(Random& random) {
  std::vector<Shape> shapes;
  std::int64_t ratio = 1;
  for (const Shape& medium : {kDram, kNvme, kNetwork}) {
    if (random.below(4) == 0) continue;
    ratio *= random.below(3) == 0 ? 2 : 1;
    Shape shape = medium.by(ratio).of(static_cast<std::int64_t>(1 + random.below(20)));
    const std::uint64_t rule = random.below(4);
    if (rule == 0) shape = shape.back();
    if (rule == 1) shape = shape.exclusive();
    if (rule == 2) shape = shape.selective(1 + static_cast<std::int64_t>(random.below(3)));
    if (random.below(2) == 0) {
      constexpr WhenFull kRules[] = {WhenFull::skip, WhenFull::drop_oldest, WhenFull::block};
      shape =
          shape.queue_of(1 + static_cast<std::int64_t>(random.below(4)), kRules[random.below(3)]);
    }
    if (random.below(4) == 0) shape = shape.admitting("second_touch");
    // Above a private tier there is no shared one.
    const bool may = shapes.empty() || shapes.back().scope == Scope::private_to_each;
    if (may && random.below(3) == 0) shape = shape.private_to_each();
    shapes.push_back(shape);
  }
  return shapes;
}

/// Requests come and go on three replicas while ids are taken back; in the end nothing is held, the
/// levels' counts make a chain, and the fabric has moved what the tiers say.
void live_randomly(std::uint64_t seed) {
  Random random(seed, "hierarchy soak");
  const std::vector<Shape> shapes = random_shapes(random);
  Fleet f(24, shapes, 3);
  std::map<std::size_t, std::vector<ContentId>> loading;
  for (std::size_t step = 0; step < 300; ++step) {
    const std::size_t replica = random.below(3);
    std::vector<ContentId> sequence =
        f.text(random.below(12), 1 + static_cast<int>(random.below(8)));
    if (f.hierarchy.hbm(ReplicaId{replica}).free_blocks() >= 8) {
      if (random.below(2) == 0) {
        const auto hits = static_cast<std::int64_t>(f.cached(sequence, replica));
        const std::vector<BlockId> blocks = f.compute(sequence, replica);
        f.hierarchy.writes().reused(ReplicaId{replica}, blocks, sequence, hits);
        f.leave(blocks, replica);
      } else if (f.load(sequence, replica, step) > 0) {
        loading[step] = sequence;
      }
    }
    f.run_to(f.loop.now() - SimTime{} + std::chrono::milliseconds(random.below(6)));
    for (const auto& [request, when] : f.loaded) loading.erase(request);
    f.hierarchy.check_invariants();
    if (step % 10 > 0) continue;
    f.contents.collect([&](FunctionRef<void(ContentId)> mark) {
      f.hierarchy.mark_contents(mark);
      for (const auto& [request, contents] : loading) mark(contents.back());
    });
    f.contents.for_each_free([&](ContentId free) { f.hierarchy.writes().forget(free); });
  }
  f.run();
  f.hierarchy.check_invariants();
  Bytes moved;
  Tokens missing = f.hierarchy.hbm_counters().lookups - f.hierarchy.hbm_counters().hits;
  for (const HbmPart& part : f.hierarchy.hbm_parts()) EXPECT_EQ(part.pool.held_blocks(), 0);
  for (const Tier& tier : f.hierarchy.tiers()) {
    EXPECT_EQ(tier.counters.lookups, missing);
    missing -= tier.counters.hits;
    moved += tier.counters.read + tier.counters.written;
    for (const TierPart& part : tier.parts) {
      EXPECT_EQ(part.pool.held_blocks(), 0);
      EXPECT_LE(part.pool.peak_occupied(), part.pool.capacity());
    }
  }
  Bytes carried;
  for (const LinkReport& link : f.fabric.report(f.loop.now())) carried += link.bytes;
  EXPECT_EQ(carried, moved);
}

TEST(HierarchySlow, KeepsItsBooksAtRandom) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    live_randomly(seed);
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace terrace
