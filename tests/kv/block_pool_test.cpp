#include "sim/kv/block_pool.hpp"

#include <algorithm>
#include <cstdint>
#include <list>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/check.hpp"
#include "sim/base/random.hpp"

namespace terrace {
namespace {

using EmptyBlocks = BlockPool::EmptyBlocks;

/// Plays a transcript: one command a word or two, answered by its line in the result.
///   a        allocate -> the block, and what was evicted for it
///   p1=7     publish block 1 as content 7; n1=7 announces it, v1 tells that it has arrived
///   h1 r1 d1 t1   hold, release, drop, touch block 1
///   f7       find content 7 -> the block, or -
class Stage {
 public:
  explicit Stage(std::int64_t capacity, EmptyBlocks empty = EmptyBlocks::reused_first)
      : pool(capacity, make_eviction_policy("lru"), empty) {
    pool.record_evictions(evicted_);
  }

  std::string play(const std::string& script) {
    std::ostringstream answers;
    std::istringstream words(script);
    for (std::string word; words >> word;) {
      const std::string answer = command(word);
      pool.check_invariants();
      if (!answer.empty()) answers << (answers.tellp() > 0 ? " " : "") << answer;
    }
    return answers.str();
  }

  BlockPool pool;

 private:
  std::string command(const std::string& word) {
    const char verb = word.front();
    const auto equals = word.find('=');
    const std::size_t number = word.size() > 1 ? std::stoul(word.substr(1)) : 0;
    const BlockId block{number};
    const ContentId content{equals < word.size() ? std::stoul(word.substr(equals + 1)) : number};
    if (verb == 'a') {
      std::string answer = std::to_string(pool.allocate().index());
      for (const ContentId gone : evicted_) answer += "!" + std::to_string(gone.index());
      evicted_.clear();
      return answer;
    }
    if (verb == 'f') {
      const BlockId found = pool.find(content);
      return found == BlockId::none() ? "-" : std::to_string(found.index());
    }
    if (verb == 'h') pool.hold(block);
    if (verb == 'r') pool.release(block);
    if (verb == 'p') pool.publish(block, content);
    if (verb == 'n') pool.announce(block, content);
    if (verb == 'v') pool.arrived(block);
    if (verb == 'd') pool.drop(block);
    if (verb == 't') pool.touch(block);
    return {};
  }

  std::vector<ContentId> evicted_;
};

TEST(BlockPool, HandsOutUnusedBlocksThenTheLeastRecentlyUsed) {
  Stage s(3);
  EXPECT_EQ(s.play("a p0=10 a p1=11 a p2=12"), "0 1 2");
  EXPECT_EQ(s.play("r1 r2 r0 a a a"), "1!11 2!12 0!10");
}

TEST(BlockPool, AReleasedBlockCanBeFoundAndRevived) {
  Stage s(2);
  EXPECT_EQ(s.play("a f7 p0=7 f7 r0 f7 h0 f7 r0"), "0 - 0 0 0");
  EXPECT_EQ(s.pool.free_blocks(), 2);
  EXPECT_EQ(s.pool.occupied_blocks(), 1);
}

TEST(BlockPool, ABlockThatIsHeldOrTouchedGoesToTheEndOfTheLine) {
  for (const std::string use : {"h0 r0", "t0"}) {
    EXPECT_EQ(Stage(2).play("a p0=10 r0 a p1=11 r1 " + use + " a"), "0 1 1!11");
  }
}

TEST(BlockPool, ABlockIsFreeWhenItsLastUserHasGone) {
  EXPECT_EQ(Stage(1).play("a p0=10 h0 h0 r0 r0 r0 a"), "0 0!10");
  EXPECT_THROW(Stage(1).play("a p0=10 h0 h0 r0 r0 a"), InvariantViolation);
}

TEST(BlockPool, OfTwoCopiesTheOnePublishedFirstIsFound) {
  Stage s(3);
  EXPECT_EQ(s.play("a a p1=7 p0=7 f7"), "0 1 1");
  EXPECT_EQ(s.play("r1 r0 a f7"), "2 1") << "there was still an empty block";
  EXPECT_EQ(s.play("a f7"), "1 0") << "one copy is left, so nothing was evicted";
  EXPECT_EQ(s.play("a f7"), "0!7 -");
}

TEST(BlockPool, ACopyMayLeaveInAnyOrder) {
  Stage s(3);
  EXPECT_EQ(s.play("a a a p0=7 p1=7 p2=7 r1 r2 r0 a f7 a f7 a f7"), "0 1 2 1 0 2 0 0!7 -");
}

TEST(BlockPool, AnEmptyBlockIsReusedFirst) {
  Stage s(3);
  EXPECT_EQ(s.play("a a p0=10 r0 r1 a"), "0 1 1") << "before the one never used, too";
  EXPECT_EQ(s.play("a r2 r1 a a"), "2 1 2") << "the last one freed first";
}

TEST(BlockPool, AnEmptyBlockMayQueueBehindAllOthers) {
  Stage s(2, EmptyBlocks::ranked);
  EXPECT_EQ(s.play("a a p0=10 r0 r1 a"), "0 1 0!10");
  EXPECT_EQ(s.play("p0=11 r0 a a"), "1 0!11") << "an empty block evicts nothing";
}

TEST(BlockPool, ADroppedBlockIsEmptyAndNoEviction) {
  for (const EmptyBlocks empty : {EmptyBlocks::reused_first, EmptyBlocks::ranked}) {
    Stage s(2, empty);
    EXPECT_EQ(s.play("a p0=10 r0 d0 f10 d0 a"), "0 - 0");
    EXPECT_EQ(s.pool.content(BlockId{0}), ContentId::none());
  }
}

TEST(BlockPool, UnlimitedCapacityNeverEvicts) {
  Stage s(BlockPool::kUnlimited);
  for (std::size_t i = 0; i < 200; ++i) {
    ASSERT_EQ(s.pool.allocate(), BlockId{i});
    s.pool.publish(BlockId{i}, ContentId{i});
    s.pool.release(BlockId{i});
  }
  EXPECT_EQ(s.pool.free_blocks(), BlockPool::kUnlimited);
}

TEST(BlockPool, WhatIsAnnouncedIsFoundButNotReadableYet) {
  Stage s(2);
  EXPECT_EQ(s.play("a n0=7 f7"), "0 0");
  EXPECT_FALSE(s.pool.readable(BlockId{0}));
  EXPECT_EQ(s.play("v0 r0 a a"), "1 0!7");
  EXPECT_TRUE(s.pool.readable(BlockId{0}));
}

TEST(BlockPool, RemembersItsPeaks) {
  Stage s(4);
  s.play("a p0=10 a p1=11 a r0 r1 r2");
  EXPECT_EQ(s.pool.peak_held(), 3);
  EXPECT_EQ(s.pool.peak_occupied(), 3);
  s.play("h0 h1 d2 a a");
  EXPECT_EQ(s.pool.peak_held(), 4);
  EXPECT_EQ(s.pool.peak_occupied(), 4);
}

TEST(BlockPool, ListsEveryContent) {
  Stage s(4);
  s.play("a p0=10 a p1=11 a p2=10 a r0 r1");
  std::vector<std::size_t> all;
  s.pool.for_each_content([&](ContentId content) { all.push_back(content.index()); });
  EXPECT_EQ(all, (std::vector<std::size_t>{10, 11, 10}));
}

TEST(BlockPool, MisuseIsFoundOut) {
  for (const char* misuse : {"a a a", "a r0 r0", "a r0 h0", "a p0=1 p0=2", "a p0=1 r0 p0=2",
                             "a r0 p0=1", "a d0", "a p0=1 d0", "a n0=1 r0"}) {
    Stage s(2);
    EXPECT_THROW(s.play(misuse), InvariantViolation) << misuse;
  }
  EXPECT_THROW(Stage(-1), InvariantViolation);
  EXPECT_THROW(Stage(0).play("a"), InvariantViolation);
}

/// The obvious pool: lists in the order of eviction, and a map of copies in the order of
/// publishing.
struct Model {
  struct Block {
    std::int64_t users = 0;
    std::size_t content = kEmpty;
  };
  static constexpr std::size_t kEmpty = ~std::size_t{0};

  std::size_t capacity;
  EmptyBlocks rule;
  std::vector<Block> blocks{};
  std::list<std::size_t> empty{};
  std::list<std::size_t> idle{};
  std::map<std::size_t, std::list<std::size_t>> copies{};
  std::vector<std::size_t> evicted{};

  [[nodiscard]] bool full() const {
    return blocks.size() == capacity && empty.empty() && idle.empty();
  }

  void forget(std::size_t block) {
    const std::size_t content = std::exchange(blocks[block].content, kEmpty);
    if (content == kEmpty) return;
    copies[content].remove(block);
    if (copies[content].empty()) copies.erase(content);
  }

  std::size_t allocate() {
    std::size_t block = blocks.size();
    if (!empty.empty()) {
      block = empty.back();
      empty.pop_back();
    } else if (blocks.size() < capacity) {
      blocks.emplace_back();
    } else {
      block = idle.front();
      idle.pop_front();
      const std::size_t content = blocks[block].content;
      forget(block);
      if (content != kEmpty && !copies.contains(content)) evicted.push_back(content);
    }
    blocks[block].users = 1;
    return block;
  }

  void hold(std::size_t block) {
    if (blocks[block].users++ == 0) idle.remove(block);
  }

  void release(std::size_t block) {
    if (--blocks[block].users > 0) return;
    const bool first = blocks[block].content == kEmpty && rule == EmptyBlocks::reused_first;
    (first ? empty : idle).push_back(block);
  }

  void drop(std::size_t block) {
    if (blocks[block].content == kEmpty) return;
    forget(block);
    idle.remove(block);
    empty.push_back(block);
  }

  void touch(std::size_t block) {
    if (std::erase(idle, block) > 0) idle.push_back(block);
  }
};

void soak(EmptyBlocks rule, int operations) {
  Random random(3, "block pool soak");
  Model model{12, rule};
  BlockPool pool(12, make_eviction_policy("lru"), rule);
  std::vector<ContentId> evicted;
  pool.record_evictions(evicted);
  std::int64_t peak = 0;
  ASSERT_EQ(pool.allocate().index(), model.allocate());
  for (int i = 0; i < operations; ++i) {
    const std::size_t block = random.below(model.blocks.size());
    const std::size_t content = random.below(20);
    const Model::Block now = model.blocks[block];
    const std::uint64_t what = random.below(7);
    if (what <= 1 && !model.full()) {
      ASSERT_EQ(pool.allocate().index(), model.allocate());
    } else if (what == 2 && (now.users > 0 || now.content != Model::kEmpty)) {
      pool.hold(BlockId{block});
      model.hold(block);
    } else if (what == 3 && now.users > 0 && now.content == Model::kEmpty) {
      pool.publish(BlockId{block}, ContentId{content});
      model.blocks[block].content = content;
      model.copies[content].push_back(block);
    } else if (what <= 4 && now.users > 0) {
      pool.release(BlockId{block});
      model.release(block);
    } else if (what == 5 && now.users == 0 && random.below(4) == 0) {
      pool.drop(BlockId{block});
      model.drop(block);
    } else if (what == 6) {
      pool.touch(BlockId{block});
      model.touch(block);
    }
    const auto copies = model.copies.find(content);
    ASSERT_EQ(pool.find(ContentId{content}),
              copies == model.copies.end() ? BlockId::none() : BlockId{copies->second.front()});
    std::int64_t held = 0;
    for (const Model::Block& b : model.blocks) held += b.users > 0 ? 1 : 0;
    peak = std::max(peak, held);
    ASSERT_EQ(pool.held_blocks(), held);
    if (i % 64 == 0) pool.check_invariants();
  }
  EXPECT_EQ(pool.peak_held(), peak);
  ASSERT_EQ(evicted.size(), model.evicted.size());
  EXPECT_GT(evicted.size(), static_cast<std::size_t>(operations) / 100) << "too little happened";
  for (std::size_t i = 0; i < evicted.size(); ++i) ASSERT_EQ(evicted[i].index(), model.evicted[i]);
}

TEST(BlockPoolSlow, SoaksLikeTheModel) {
  for (const auto rule : {EmptyBlocks::reused_first, EmptyBlocks::ranked}) soak(rule, 100'000);
}

}  // namespace
}  // namespace terrace
