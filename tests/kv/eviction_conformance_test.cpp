// What every eviction policy owes its pool. A policy is tested here by being registered.

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <iterator>
#include <limits>
#include <list>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/random.hpp"
#include "sim/base/samplers.hpp"
#include "sim/kv/block_pool.hpp"
#include "sim/kv/eviction/policy.hpp"
#include "tests/kv/bookkeeping.hpp"
#include "tests/kv/still_facts.hpp"

namespace terrace {

namespace eviction {
std::unique_ptr<EvictionRecipe> keep_heads();
}

// NOLINTNEXTLINE(readability-identifier-naming): what GoogleTest looks for
void PrintTo(const EvictionVariant& policy, std::ostream* out) { *out << policy.name; }

namespace {

using Stream = std::vector<std::size_t>;  // of contents

std::unique_ptr<EvictionPolicy> make(const EvictionVariant& policy, std::int64_t capacity) {
  static const StillFacts still;
  return policy.recipe()->make({capacity, &still});
}

Stream zipf(std::size_t contents, std::size_t length, std::uint64_t seed) {
  Random random(seed, "zipf stream");
  const Zipf ranks(contents, 0.9);
  Stream stream;
  for (std::size_t i = 0; i < length; ++i) stream.push_back(ranks.draw(random));
  return stream;
}

/// Round and round over the same contents; if they never come back, a scan.
Stream loop(std::size_t contents, std::size_t length) {
  Stream stream;
  for (std::size_t i = 0; i < length; ++i) stream.push_back(i % contents);
  return stream;
}

/// Reads a stream block by block, and keeps the last `in_use` blocks held.
std::int64_t hits(const EvictionVariant& policy, std::int64_t capacity, const Stream& stream,
                  std::size_t in_use = 0) {
  BlockPool pool(capacity, make(policy, capacity));
  std::list<BlockId> held;
  std::int64_t count = 0;
  for (const std::size_t content : stream) {
    BlockId block = pool.find(ContentId{content});
    if (block != BlockId::none()) {
      ++count;
      pool.hold(block);
      pool.touch(block);
    } else {
      block = pool.allocate(ContentId{content});
      pool.publish(block, ContentId{content});
    }
    held.push_back(block);
    for (; held.size() > in_use; held.pop_front()) pool.release(held.front());
    EXPECT_LE(pool.occupied_blocks(), capacity);
  }
  EXPECT_LE(pool.peak_occupied(), capacity);
  pool.check_invariants();
  return count;
}

class EvictionConformance : public ::testing::TestWithParam<EvictionVariant> {
 protected:
  /// A block that is resident and not in use.
  static void insert(EvictionPolicy& policy, std::size_t block) {
    policy.on_insert(BlockId{block}, ContentId{block});
    policy.on_unpin(BlockId{block});
  }

  std::unique_ptr<EvictionPolicy> policy_ = make(GetParam(), 64);
};

TEST_P(EvictionConformance, AnEmptyPoolHasNoVictim) {
  EXPECT_EQ(policy_->victim(ContentId::none()), BlockId::none());
}

TEST_P(EvictionConformance, NamesOnlyWhatIsNotInUse) {
  for (std::size_t i = 0; i < 8; ++i) policy_->on_insert(BlockId{i}, ContentId{i});
  EXPECT_EQ(policy_->victim(ContentId::none()), BlockId::none()) << "a block is inserted in use";
  for (std::size_t i = 0; i < 8; ++i) policy_->on_access(BlockId{i});
  EXPECT_EQ(policy_->victim(ContentId::none()), BlockId::none())
      << "a read changes nothing about that";
  policy_->on_unpin(BlockId{5});
  EXPECT_EQ(policy_->victim(ContentId::none()), BlockId{5});
  policy_->on_access(BlockId{5});
  EXPECT_EQ(policy_->victim(ContentId::none()), BlockId{5});
  policy_->on_pin(BlockId{5});
  EXPECT_EQ(policy_->victim(ContentId::none()), BlockId::none());
}

TEST_P(EvictionConformance, RanksEmptyBlocksAsWell) {
  policy_->on_insert(BlockId{0}, ContentId::none());
  policy_->on_unpin(BlockId{0});
  EXPECT_EQ(policy_->victim(ContentId::none()), BlockId{0});
  policy_->on_remove(BlockId{0});
  EXPECT_EQ(policy_->victim(ContentId::none()), BlockId::none());
}

TEST_P(EvictionConformance, ForgetsBlocksThatHaveLeft) {
  for (int life = 0; life < 3; ++life) {
    for (std::size_t i = 0; i < 100; ++i) insert(*policy_, i);
    for (std::size_t i = 0; i < 100; i += 2) policy_->on_remove(BlockId{i});
    std::set<std::size_t> left;
    for (BlockId out = policy_->victim(ContentId::none()); out != BlockId::none();
         out = policy_->victim(ContentId::none())) {
      policy_->on_remove(out);
      ASSERT_TRUE(left.insert(out.index()).second);
      ASSERT_EQ(out.index() % 2, 1U);
    }
    EXPECT_EQ(left.size(), 50U);
  }
}

/// Two policies that see the same calls name the same victims, whatever else happens in the
/// process.
TEST_P(EvictionConformance, IsDeterministic) {
  const auto other = make(GetParam(), 64);
  const auto twin = make(GetParam(), 64);
  Random random(1, "conformance");
  for (std::size_t i = 0; i < 64; ++i) {
    insert(*policy_, i);
    insert(*twin, i);
    insert(*other, 63 - i);
  }
  for (int step = 0; step < 5000; ++step) {
    const BlockId read{random.below(64)};
    policy_->on_access(read);
    twin->on_access(read);
    other->on_access(BlockId{random.below(64)});
    if (step % 3 > 0) continue;
    const BlockId out = policy_->victim(ContentId::none());
    ASSERT_EQ(twin->victim(ContentId::none()), out);
    for (EvictionPolicy* policy : {policy_.get(), twin.get()}) {
      policy->on_remove(out);
      policy->on_insert(out, ContentId{static_cast<std::size_t>(step) % 200});
      policy->on_unpin(out);
    }
  }
}

TEST_P(EvictionConformance, CannotHitWhatNeverComesBack) {
  EXPECT_EQ(hits(GetParam(), 50, loop(5000, 5000)), 0);
}

TEST_P(EvictionConformance, EvictsNothingWhileThereIsRoom) {
  EXPECT_EQ(hits(GetParam(), 50, loop(50, 5000)), 5000 - 50);
}

TEST_P(EvictionConformance, HitsNoMoreThanAnUnlimitedPool) {
  const Stream stream = zipf(2000, 20'000, 7);
  const std::int64_t most = hits(GetParam(), BlockPool::kUnlimited, stream);
  for (const std::int64_t capacity : {1, 10, 100, 1000}) {
    const std::int64_t some = hits(GetParam(), capacity, stream);
    EXPECT_LE(some, most);
    EXPECT_EQ(hits(GetParam(), capacity, stream), some) << "the same run again";
  }
  EXPECT_GT(hits(GetParam(), 100, stream), 1000);
}

TEST_P(EvictionConformance, CopesWithMostBlocksInUse) {
  const Stream stream = zipf(300, 20'000, 8);
  for (const std::size_t in_use : {1U, 60U, 98U, 99U}) hits(GetParam(), 100, stream, in_use);
}

TEST_P(EvictionConformance, SurvivesALongRandomLife) {
  Random random(9, "conformance");
  enum class Is { away, pinned, idle };
  std::vector<Is> blocks(256, Is::away);
  for (int step = 0; step < 100'000; ++step) {
    const std::size_t i = random.below(blocks.size());
    const BlockId block{i};
    switch (blocks[i]) {
      case Is::away:
        policy_->on_insert(block, random.below(9) == 0 ? ContentId::none() : ContentId{i % 97});
        blocks[i] = Is::pinned;
        break;
      case Is::pinned:
        if (random.below(2) == 0) {
          policy_->on_access(block);
        } else {
          policy_->on_unpin(block);
          blocks[i] = Is::idle;
        }
        break;
      case Is::idle: {
        const std::uint64_t what = random.below(4);
        if (what == 0) policy_->on_access(block);
        if (what == 1) policy_->on_pin(block);
        if (what == 1) blocks[i] = Is::pinned;
        if (what == 2) policy_->on_remove(block);
        if (what == 2) blocks[i] = Is::away;
        break;
      }
    }
    if (step % 3 > 0) continue;
    const BlockId out = policy_->victim(ContentId::none());
    if (out == BlockId::none()) {
      ASSERT_EQ(std::count(blocks.begin(), blocks.end(), Is::idle), 0);
    } else {
      ASSERT_EQ(blocks[out.index()], Is::idle) << "named a block that may not go";
      policy_->on_remove(out);
      blocks[out.index()] = Is::away;
    }
  }
}

TEST_P(EvictionConformance, KeepsTheBooksOfASmallPool) {
  using testing::Bookkeeping;
  Bookkeeping books(make(GetParam(), Bookkeeping::kCapacity));
  Random random(10, "conformance");
  for (int i = 0; i < 100'000 && !HasFatalFailure(); ++i) {
    books.step(random);
    if (i % 20 == 0) books.check_ghosts();
  }
}

/// What was removed, not evicted, is not remembered: another life starts as the first did.
TEST_P(EvictionConformance, ALifeWithoutEvictionLeavesNoTrace) {
  if (std::string_view(GetParam().name) == "wtinylfu") {
    GTEST_SKIP() << "it counts the reads of all contents, whatever became of their blocks";
  }
  const auto used = make(GetParam(), 64);
  for (std::size_t i = 0; i < 64; ++i) {
    used->on_insert(BlockId{i}, ContentId{i});
    if (i % 3 == 0) used->on_access(BlockId{i});
    used->on_unpin(BlockId{i});
    if (i % 5 == 0) used->on_access(BlockId{i});
  }
  for (std::size_t i = 64; i-- > 0;) used->on_remove(BlockId{i});
  used->for_each_ghost([](ContentId ghost) { ADD_FAILURE() << "the ghost of " << ghost.index(); });
  Random random(11, "conformance");
  for (std::size_t i = 0; i < 64; ++i) insert(*used, i);
  for (std::size_t i = 0; i < 64; ++i) insert(*policy_, i);
  for (std::size_t i = 0; i < 2000; ++i) {
    const BlockId read{random.below(64)};
    used->on_access(read);
    policy_->on_access(read);
    if (i % 2 == 0) continue;
    const ContentId incoming{i % 150};
    const BlockId out = policy_->victim(incoming);
    ASSERT_EQ(used->victim(incoming), out) << i;
    for (EvictionPolicy* policy : {used.get(), policy_.get()}) {
      policy->on_evict(out);
      policy->on_insert(out, incoming);
      policy->on_unpin(out);
    }
  }
}

/// A hit is one read, whether it is told of a block in use or of an idle one.
TEST_P(EvictionConformance, HoldingABlockToReadItChangesNothing) {
  if (std::string_view(GetParam().name) == "random") {
    GTEST_SKIP() << "its draws are out of the idle blocks in the order in which they came to be so";
  }
  const Stream stream = zipf(500, 10'000, 12);
  BlockPool idle(64, make(GetParam(), 64));
  BlockPool held(64, make(GetParam(), 64));
  for (const std::size_t content : stream) {
    const BlockId found = idle.find(ContentId{content});
    ASSERT_EQ(held.find(ContentId{content}), found);
    if (found != BlockId::none()) {
      idle.touch(found);
      held.hold(found);
      held.touch(found);
      held.release(found);
      continue;
    }
    for (BlockPool* pool : {&idle, &held}) {
      const BlockId block = pool->allocate(ContentId{content});
      pool->publish(block, ContentId{content});
      pool->release(block);
    }
  }
}

TEST_P(EvictionConformance, CopesWithEmptyBlocksAmongTheOthers) {
  BlockPool pool(16, make(GetParam(), 16), BlockPool::EmptyBlocks::ranked);
  Random random(13, "conformance");
  for (int i = 0; i < 20'000; ++i) {
    const ContentId content{random.below(40)};
    BlockId block = pool.find(content);
    if (block != BlockId::none()) {
      pool.hold(block);
      pool.touch(block);
    } else {
      block = pool.allocate(content);
      if (random.below(3) > 0) pool.publish(block, content);
    }
    pool.release(block);
    if (random.below(20) == 0) pool.drop(block);
  }
  pool.check_invariants();
}

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Finding victims among 100,000 blocks takes no longer for the 99 % in use. Times are the thread's
/// own and only compared to each other, with so much slack that only work in proportion to the
/// pool, a tenth of a second at least, can fail.
TEST_P(EvictionConformance, PinnedBlocksCostNothing) {
  const auto seconds_with = [](std::size_t pinned_percent) {
    double best = std::numeric_limits<double>::infinity();
    for (int attempt = 0; attempt < 3; ++attempt) {
      const auto policy = make(GetParam(), 64);
      for (std::size_t i = 0; i < 100'000; ++i) {
        policy->on_insert(BlockId{i}, ContentId{i});
        policy->on_unpin(BlockId{i});
      }
      for (std::size_t i = 0; i < 1000 * pinned_percent; ++i) policy->on_pin(BlockId{i});
      const double start = thread_seconds();
      for (std::size_t i = 0; i < 2000; ++i) {
        const BlockId out = policy->victim(ContentId::none());
        policy->on_remove(out);
        policy->on_insert(out, ContentId{100'000 + i});
        policy->on_unpin(out);
      }
      best = std::min(best, thread_seconds() - start);
    }
    return best;
  };
  EXPECT_LT(seconds_with(99), 50 * seconds_with(1) + 0.02);
}

INSTANTIATE_TEST_SUITE_P(Registered, EvictionConformance,
                         ::testing::ValuesIn(eviction_policies().begin(),
                                             eviction_policies().end()),
                         [](const auto& policy) { return std::string(policy.param.name); });

// The example of CONTRIBUTING.md is held to the same.
INSTANTIATE_TEST_SUITE_P(Example, EvictionConformance,
                         ::testing::Values(EvictionVariant{"keep_heads", "the example",
                                                           eviction::keep_heads}),
                         [](const auto& policy) { return std::string(policy.param.name); });

TEST(EvictionExample, StandsInTheDocumentationAsItIsCompiled) {
  const auto text_of = [](const char* path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string document = text_of(TERRACE_SOURCE_DIR "/CONTRIBUTING.md");
  const std::string code = text_of(TERRACE_SOURCE_DIR "/tests/kv/keep_heads.cpp");
  ASSERT_FALSE(code.empty());
  EXPECT_NE(document.find("```cpp\n" + code + "```"), std::string::npos);
}

TEST(EvictionExample, KeepsHeads) {
  StillFacts facts;
  for (std::size_t i = 0; i < 10; ++i) {
    facts.positions[ContentId{i}] = static_cast<std::int64_t>(i);
  }
  const auto policy = eviction::keep_heads()->make({10, &facts});
  for (std::size_t i = 0; i < 10; ++i) {
    policy->on_insert(BlockId{i}, ContentId{i});
    policy->on_unpin(BlockId{i});
  }
  for (const std::size_t expected : {4U, 5U, 6U, 7U, 8U, 9U, 0U, 1U, 2U, 3U}) {
    const BlockId out = policy->victim(ContentId::none());
    EXPECT_EQ(out.index(), expected);
    policy->on_evict(out);
  }
}

}  // namespace
}  // namespace terrace
