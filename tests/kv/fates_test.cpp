// Why tokens were missed: by hand where only one thing happens, against the whole history where
// anything may.

#include "sim/kv/fates.hpp"

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/random.hpp"
#include "tests/kv/fleet.hpp"
#include "tests/oracles/reference_misses.hpp"

namespace terrace {
namespace {

using namespace literals;
using namespace std::chrono_literals;
using testing::Fleet;
using testing::kDram;
using testing::kNetwork;
using testing::kNvme;
using testing::Shape;

/// Tells several watches, which may be made after what is watched.
class Relay final : public CacheWatch {
 public:
  void computed(std::span<const ContentId> contents) override {
    for (CacheWatch* watch : to) watch->computed(contents);
  }
  void evicted(std::size_t level, ContentId content, SimTime last_use) override {
    for (CacheWatch* watch : to) watch->evicted(level, content, last_use);
  }
  void removed(std::size_t level, ContentId content) override {
    for (CacheWatch* watch : to) watch->removed(level, content);
  }
  void refused(std::size_t level, ContentId content, MissCause why) override {
    for (CacheWatch* watch : to) watch->refused(level, content, why);
  }
  void looked_up(const Memories& memories, ReplicaId replica, std::span<const ContentId> sequence,
                 Tokens prompt, std::int64_t hits, std::int64_t from, std::int64_t end) override {
    for (CacheWatch* watch : to) {
      watch->looked_up(memories, replica, sequence, prompt, hits, from, end);
    }
  }

  std::vector<CacheWatch*> to;
};

std::vector<std::string> names(std::size_t tiers) {
  std::vector<std::string> all = {"hbm"};
  for (std::size_t t = 0; t < tiers; ++t) all.push_back("t" + std::to_string(t));
  return all;
}

using Rows = std::map<std::string, oracle::MissedTokens>;

/// A fleet whose misses are explained twice.
class Explained {
 public:
  Explained(std::int64_t hbm_blocks, const std::vector<Shape>& shapes, std::size_t replicas = 1)
      : fleet(hbm_blocks, shapes, replicas, &relay_),
        fates_(fleet.loop, fleet.contents, names(shapes.size()), true),
        reference_(fleet.loop, names(shapes.size()), 16) {
    fleet.contents.keep_all();
    relay_.to = {&fates_, &reference_};
  }

  /// A look-up of whole blocks and one token more, none of which are loaded.
  void ask(const std::vector<ContentId>& sequence, std::int64_t from = 0, std::int64_t to = 0,
           std::size_t replica = 0) {
    fleet.hierarchy.count_lookup(ReplicaId{replica}, sequence,
                                 Tokens{16 * static_cast<std::int64_t>(sequence.size()) + 1}, from,
                                 from, to);
  }

  [[nodiscard]] Rows rows() const {
    Rows all;
    for (const MissRow& row : fates_.misses().rows) {
      oracle::MissedTokens& mine =
          all[std::string(name_of(row.cause)) + (row.where.empty() ? "" : " " + row.where)];
      mine = {row.tokens.count(), row.requests, static_cast<std::int64_t>(row.idle.sum()),
              static_cast<std::int64_t>(row.away.sum())};
    }
    return all;
  }
  [[nodiscard]] const Rows& expected() const { return reference_.all(); }

  /// Tokens of all causes but the token behind the last block, as both say.
  [[nodiscard]] std::map<std::string, std::int64_t> tokens() const {
    EXPECT_EQ(rows(), expected());
    std::map<std::string, std::int64_t> all;
    for (const auto& [name, row] : rows()) {
      if (name != "partial_block hbm") all[name] = row.tokens;
    }
    return all;
  }
  [[nodiscard]] Misses misses() const { return fates_.misses(); }

 private:
  Relay relay_;

 public:
  Fleet fleet;

 private:
  Fates fates_;
  oracle::ReferenceMisses reference_;
};

using Causes = std::map<std::string, std::int64_t>;

TEST(Fates, WhatWasNeverComputedWasNeverSeen) {
  Explained e(8, {kDram});
  e.ask(e.fleet.text(1, 3));
  EXPECT_EQ(e.tokens(), (Causes{{"never_seen", 48}}));
}

TEST(Fates, WhatEveryCopyLeftIsToldOfTheFarthestPlaceWithItsTimes) {
  Explained e(4, {kDram.of(4), kNvme.of(4)});
  const auto text = e.fleet.text(1, 2);
  e.fleet.visit(text);
  e.fleet.run_to(1s);
  e.fleet.visit(e.fleet.text(2, 4));  // takes the place of the first text everywhere
  e.fleet.run_to(5s);
  e.ask(text);
  EXPECT_EQ(e.tokens(), (Causes{{"evicted t1", 32}}));
  const MissRow evicted = e.misses().rows.front();
  // Written to DRAM from 0 to 2 ms and to NVMe to 4 ms; the second text takes 4 ms to DRAM, where
  // its blocks are announced for NVMe.
  EXPECT_EQ(evicted.idle.min(), Duration{1s}.count());
  EXPECT_EQ(evicted.away.min(), Duration{5s - 4ms}.count());
}

TEST(Fates, WhatIsOnItsWayIsPendingAtTheNearestPlaceEvenIfAnotherReplicaHasIt) {
  Explained e(4, {kDram, kNvme}, 2);
  const auto text = e.fleet.text(1, 2);
  e.fleet.visit(text, 0);
  e.ask(text, 0, 0, 1);
  EXPECT_EQ(e.tokens(), (Causes{{"write_pending t0", 32}}));
}

TEST(Fates, AnEvictedBlockLeavesThroughABufferAndIsPending) {
  Explained e(4, {kDram.back()});
  const auto text = e.fleet.text(1, 2);
  e.fleet.visit(text);
  e.fleet.flush();
  e.ask(text);
  EXPECT_EQ(e.tokens(), (Causes{{"write_pending t0", 32}}));
}

TEST(Fates, AFullTierWhoseBlocksAreAllInUseHasNoRoom) {
  Explained e(4, {kDram.of(2).back()});
  const auto text = e.fleet.text(1, 3);
  e.fleet.visit(text);
  e.fleet.flush();  // the tail leaves first and fills the tier; the head finds no room
  e.fleet.run();
  e.ask(text);
  EXPECT_EQ(e.tokens(), (Causes{{"no_room t0", 16}, {"prefix_broken", 32}}));
}

TEST(Fates, AFullQueueSkips) {
  Explained e(4, {kDram.back().queue_of(1, WhenFull::skip)});
  const auto text = e.fleet.text(1, 3);
  e.fleet.visit(text);
  e.fleet.flush();
  e.fleet.run();
  e.ask(text);
  EXPECT_EQ(e.tokens(), (Causes{{"queue_full t0", 32}, {"prefix_broken", 16}}));
}

TEST(Fates, AFullQueueDropsTheOldest) {
  Explained e(4, {kDram.back().queue_of(1, WhenFull::drop_oldest)});
  const auto text = e.fleet.text(1, 3);
  e.fleet.visit(text);
  e.fleet.flush();
  e.fleet.run();
  e.ask(text, 0, 1);
  EXPECT_EQ(e.tokens(), (Causes{{"write_dropped t0", 32}}));
}

TEST(Fates, ASelectiveTierHasNotSeenItOftenEnough) {
  Explained e(4, {kDram.selective(2)});
  const auto text = e.fleet.text(1, 3);
  e.fleet.visit(text);
  e.fleet.flush();
  e.ask(text);
  EXPECT_EQ(e.tokens(), (Causes{{"below_uses t0", 48}}));
}

TEST(Fates, AnAdmissionRuleDeclines) {
  Explained e(4, {kDram.admitting("never")});
  const auto text = e.fleet.text(1, 3);
  e.fleet.visit(text);
  e.fleet.flush();
  e.ask(text);
  EXPECT_EQ(e.tokens(), (Causes{{"admission_rule t0", 48}}));
}

TEST(Fates, ATierOfLongBlocksNeverHadAWholeOne) {
  Explained e(8, {kDram.by(2)});
  const auto text = e.fleet.text(1, 3);
  e.fleet.visit(text);
  e.fleet.run();
  e.fleet.flush();
  e.ask(text, 0, 2);
  EXPECT_EQ(e.tokens(), (Causes{{"partial_block t0", 16}}));
}

TEST(Fates, AFateOfALongBlockIsThatOfAllItsParts) {
  Explained e(8, {kDram.by(4).of(1)});
  const auto text = e.fleet.text(1, 4);
  e.fleet.visit(text);
  e.fleet.run();
  e.fleet.visit(e.fleet.text(2, 8));
  e.fleet.run();
  e.ask(text);
  EXPECT_EQ(e.tokens(), (Causes{{"evicted t0", 64}}));
}

TEST(Fates, ThePartsOfALongBlockMustLeaveTogether) {
  Explained e(4, {kDram.by(2).back()});
  const auto text = e.fleet.text(1, 2);
  const std::vector<BlockId> blocks = e.fleet.compute(text);
  e.fleet.leave({blocks[0]});
  e.fleet.flush();  // the head goes, and nothing below takes half a block
  e.fleet.leave({blocks[1]});
  e.fleet.flush();  // the tail goes without it
  e.ask(text);
  EXPECT_EQ(e.tokens(), (Causes{{"partial_block t0", 32}}));
}

TEST(Fates, TheLastBlockIsComputedEvenIfItIsThere) {
  Explained e(8, {});
  const auto text = e.fleet.text(1, 3);
  e.fleet.visit(text);
  e.fleet.hierarchy.count_lookup(ReplicaId{0}, text, 48_tok, 2, 2, 2);
  EXPECT_EQ(e.tokens(), (Causes{{"last_token", 16}}));
}

TEST(Fates, AnotherReplicaHasIt) {
  Explained e(4, {kDram.private_to_each()}, 2);
  const auto text = e.fleet.text(1, 2);
  e.fleet.visit(text, 0);
  e.fleet.run();
  e.ask(text, 0, 0, 1);
  EXPECT_EQ(e.tokens(), (Causes{{"other_replica hbm", 32}}));
  e.fleet.flush(0);
  e.ask(text, 0, 0, 1);
  EXPECT_EQ(e.tokens(), (Causes{{"other_replica hbm", 32}, {"other_replica t0", 32}}));
}

TEST(Fates, HbmIsReadUpToItsFirstGapOnly) {
  Explained e(6, {kDram.of(2)});
  const auto text = e.fleet.text(1, 4);
  std::vector<BlockId> blocks = e.fleet.compute(text);  // only the first two find room below
  e.fleet.run();
  const std::vector<BlockId> tail(blocks.begin() + 2, blocks.end());
  blocks.resize(2);
  e.fleet.leave(blocks);
  std::vector<BlockId> others;
  BlockPool& hbm = e.fleet.hierarchy.hbm(ReplicaId{0});
  while (hbm.free_blocks() > 0) others.push_back(hbm.allocate());
  e.ask(text, 0, 2);
  EXPECT_EQ(e.tokens(), (Causes{{"behind_load", 32}}));
}

TEST(Fates, WhatLiesBelowMayBeComputedByChoice) {
  Explained e(4, {kDram});
  const auto text = e.fleet.text(1, 3);
  e.fleet.visit(text);
  e.fleet.run();
  e.fleet.flush();
  e.ask(text, 0, 1);
  EXPECT_EQ(e.tokens(), (Causes{{"recompute_chosen", 32}}));
}

TEST(Fates, ANewComputationStartsANewLife) {
  Explained e(4, {kDram.by(2).of(1).back()});
  const auto text = e.fleet.text(1, 2);
  for (const auto& each : {text, e.fleet.text(2, 2)}) {  // the second evicts the first below
    e.fleet.visit(each);
    e.fleet.flush();
    e.fleet.run();
  }
  const std::vector<BlockId> blocks = e.fleet.compute(text);
  e.fleet.leave({blocks[0]});
  e.fleet.flush();  // the head goes again, and was not offered to the tier this time
  e.ask(text);
  EXPECT_EQ(e.tokens(), (Causes{{"evicted hbm", 16}, {"prefix_broken", 16}}));
}

TEST(Fates, ATierThatHandedItUpHasNothingToSay) {
  Explained e(4, {kDram.by(2).exclusive()});
  const auto text = e.fleet.text(1, 2);
  e.fleet.visit(text);
  e.fleet.hierarchy.watch()->refused(1, text[1], MissCause::queue_full);  // at first
  e.fleet.flush();
  e.fleet.run();
  EXPECT_EQ(e.fleet.load(text), 2);
  e.fleet.run();
  BlockPool& hbm = e.fleet.hierarchy.hbm(ReplicaId{0});
  hbm.hold(hbm.find(text[1]));
  e.fleet.flush();
  e.ask(text);
  EXPECT_EQ(e.tokens(), (Causes{{"evicted hbm", 16}, {"prefix_broken", 16}}));
}

TEST(Fates, TheLatestWordOfAPlaceCounts) {
  Explained e(4, {kDram.of(2), kNvme.admitting("never")});
  const auto text = e.fleet.text(1, 2);
  e.fleet.visit(text);
  e.fleet.run();
  e.fleet.visit(e.fleet.text(2, 4));
  e.fleet.run();
  e.ask(text);
  EXPECT_EQ(e.tokens(), (Causes{{"admission_rule t1", 32}})) << "farther than DRAM's eviction";
  e.fleet.hierarchy.watch()->refused(2, text[0], MissCause::eviction_policy);
  e.ask(text);
  EXPECT_EQ(e.tokens(), (Causes{{"admission_rule t1", 48}, {"eviction_policy t1", 16}}));
}

// --- anything may happen -------------------------------------------------------------------------

/// What may happen to a fleet.
class Chaos {
 public:
  explicit Chaos(std::uint64_t seed) : random_(seed, "chaos"), replicas_(1 + pick(2)) {
    e_ = std::make_unique<Explained>(kHbm, shapes(), replicas_);
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) step();
    e_->fleet.run();
    e_->fleet.hierarchy.check_invariants();
  }

  Explained& explained() { return *e_; }

 private:
  static constexpr std::int64_t kHbm = 10;

  std::size_t pick(std::size_t n) { return random_.below(n); }

  std::vector<Shape> shapes() {
    std::vector<Shape> all;
    std::int64_t ratio = 1;
    bool shared = false;
    for (std::size_t i = pick(4); i > 0; --i) {
      if (pick(3) == 0) ratio *= 2;
      Shape shape = std::array{kDram, kNvme, kNetwork}[pick(3)];
      shape = shape.by(ratio).of(static_cast<std::int64_t>(pick(3) == 0 ? 100 : 2 + pick(12)));
      switch (pick(5)) {
        case 0:
          shape = shape.back();
          break;
        case 1:
          shape = shape.exclusive();
          break;
        case 2:
          shape = shape.selective(2);
          break;
        case 3:
          shape = shape.back_batched(2);
          break;
        default:
          break;
      }
      shared = shared || pick(2) == 0;
      if (!shared) shape = shape.private_to_each();
      if (pick(3) == 0) {
        shape = shape.queue_of(
            2, std::array{WhenFull::skip, WhenFull::drop_oldest, WhenFull::block}[pick(3)]);
      }
      if (pick(4) == 0) shape = shape.admitting(pick(3) == 0 ? "never" : "second_touch");
      all.push_back(shape);
    }
    return all;
  }

  /// A path down a binary tree of texts.
  std::vector<ContentId> text() {
    std::vector<ContentId> ids;
    ContentTable::Tip tip;
    for (std::size_t i = 1 + pick(8); i > 0; --i) {
      tip = e_->fleet.contents.append(tip, pick(4) == 0 ? 1 : 0, 16_tok, ids);
    }
    return ids;
  }

  void step() {
    Fleet& fleet = e_->fleet;
    const std::size_t replica = pick(replicas_);
    const ReplicaId id{replica};
    BlockPool& hbm = fleet.hierarchy.hbm(id);
    const std::vector<ContentId> sequence = text();
    const auto length = static_cast<std::int64_t>(sequence.size());
    if (fleet.hierarchy.writes().block_engine(id) || hbm.free_blocks() < length) fleet.run();
    switch (pick(8)) {
      case 0:
      case 1: {
        const std::vector<BlockId> blocks = fleet.compute(sequence, replica);
        if (pick(2) == 0) fleet.hierarchy.writes().reused(id, blocks, sequence, length);
        fleet.leave(blocks, replica);
        break;
      }
      case 2:
      case 3:
        fleet.load(sequence, replica, requests_++);
        break;
      case 4:
        fleet.flush(replica);
        break;
      case 5: {
        std::int64_t hits = 0;
        while (hits < length &&
               hbm.find(sequence[static_cast<std::size_t>(hits)]) != BlockId::none())
          ++hits;
        const std::int64_t below = fleet.hierarchy.look_below(id, sequence, hits, length - hits);
        e_->ask(sequence, hits, hits + below / 2, replica);
        break;
      }
      case 6:
        fleet.run_to(fleet.loop.now() - SimTime{} + Duration{std::chrono::microseconds(700)});
        break;
      default: {  // a head leaves before its tail
        std::vector<BlockId> blocks = fleet.compute(sequence, replica);
        const BlockId tail = blocks.back();
        blocks.pop_back();
        fleet.leave(blocks, replica);
        fleet.flush(replica);
        fleet.leave({tail}, replica);
      }
    }
  }

  Random random_;
  std::size_t replicas_;
  std::size_t requests_ = 0;
  std::unique_ptr<Explained> e_;
};

TEST(Fates, AgreeWithTheWholeHistoryWhateverHappens) {
  std::map<std::string, std::int64_t> seen;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Chaos chaos(seed);
    chaos.run(120);
    const Rows rows = chaos.explained().rows();
    ASSERT_EQ(rows, chaos.explained().expected()) << "seed " << seed;
    for (const auto& [name, row] : rows) seen[name.substr(0, name.find(' '))] += row.tokens;
    const TierCounters& hbm = chaos.explained().fleet.hierarchy.hbm_counters();
    Tokens missed = hbm.lookups - hbm.hits;
    for (const Tier& tier : chaos.explained().fleet.hierarchy.tiers()) missed -= tier.counters.hits;
    ASSERT_EQ(chaos.explained().misses().missed, missed) << "seed " << seed;
  }
  for (const std::string_view name : kMissCauseNames) {
    if (name == "eviction_policy" || name == "no_caching") continue;  // no such policy, no such run
    EXPECT_GT(seen[std::string(name)], 0) << name << " never happened";
  }
}

}  // namespace
}  // namespace terrace
