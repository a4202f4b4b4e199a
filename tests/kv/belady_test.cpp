// The oracle: nobody hits more, by exhaustion and by comparison.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/random.hpp"
#include "sim/base/samplers.hpp"
#include "sim/kv/block_pool.hpp"
#include "tests/kv/by_hand.hpp"

namespace terrace {
namespace {

using namespace literals;

using Order = std::vector<std::size_t>;
using Stream = std::vector<std::size_t>;

/// Hits of a replay: every read is over before the next.
std::int64_t hits(const std::string& yaml, std::int64_t capacity, const Stream& stream) {
  StillFacts facts;
  std::vector<std::uint64_t> next(stream.size(), BlockFacts::kNever);
  std::map<std::size_t, std::size_t> seen;
  for (std::size_t i = stream.size(); i-- > 0;) {
    if (const auto later = seen.find(stream[i]); later != seen.end()) next[i] = later->second;
    seen[stream[i]] = i;
  }
  BlockPool pool(capacity, chosen_policy(yaml, {capacity, &facts}));
  std::int64_t count = 0;
  for (std::size_t i = 0; i < stream.size(); ++i) {
    const ContentId content{stream[i]};
    facts.time += 1ms;
    facts.nexts[content] = next[i];
    if (const BlockId found = pool.find(content); found != BlockId::none()) {
      pool.touch(found);
      ++count;
      continue;
    }
    if (pool.free_blocks() == 0) continue;
    const BlockId block = pool.allocate(content);
    pool.publish(block, content);
    pool.release(block);
  }
  return count;
}

/// The example of Silberschatz, Galvin and Gagne, "Operating System Concepts": 20 reads, 3 frames,
/// 9 faults by the optimal algorithm, 12 by LRU.
TEST(Belady, TheTextbookExample) {
  const Stream stream = {7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1};
  EXPECT_EQ(hits("belady", 3, stream), 20 - 9);
  EXPECT_EQ(hits("lru", 3, stream), 20 - 12);
}

/// The most hits that any choice of victims gives, by trying all.
std::int64_t most_hits(const Stream& stream, std::size_t at, Stream resident,
                       std::size_t capacity) {
  std::int64_t count = 0;
  for (; at < stream.size(); ++at) {
    if (std::find(resident.begin(), resident.end(), stream[at]) != resident.end()) {
      ++count;
    } else if (resident.size() < capacity) {
      resident.push_back(stream[at]);
    } else {
      break;
    }
  }
  if (at == stream.size()) return count;
  std::int64_t best = 0;
  for (std::size_t& out : resident) {
    const std::size_t old = std::exchange(out, stream[at]);
    best = std::max(best, most_hits(stream, at + 1, resident, capacity));
    out = old;
  }
  return count + best;
}

TEST(Belady, NoOtherChoiceOfVictimsHitsMore) {
  Random random(3, "belady");
  for (int round = 0; round < 200; ++round) {
    Stream stream;
    for (int i = 0; i < 14; ++i) stream.push_back(random.below(5));
    ASSERT_EQ(hits("belady", 3, stream), most_hits(stream, 0, {}, 3));
  }
}

TEST(Belady, HitsAtLeastWhatAnyOtherPolicyHits) {
  Random random(4, "belady");
  for (int round = 0; round < 30; ++round) {
    const Zipf popular(60, 0.5 + 0.05 * round);
    Stream stream;
    for (int i = 0; i < 500; ++i) {
      stream.push_back(random.below(3) == 0 ? random.below(60) : popular.draw(random));
    }
    for (const std::int64_t capacity : {1, 5, 20}) {
      const std::int64_t most = hits("belady", capacity, stream);
      for (const EvictionVariant& other : eviction_policies()) {
        EXPECT_LE(hits(std::string(other.name), capacity, stream), most) << other.name;
      }
    }
  }
}

TEST(Belady, CanLeaveOutWhatIsUsedLaterThanAllElse) {
  for (const bool bypass : {false, true}) {
    ByHand pool(bypass ? "{policy: belady, bypass: true}" : "belady");
    pool.facts.nexts = {{ContentId{0}, 10},
                        {ContentId{1}, 20},
                        {ContentId{2}, 15},
                        {ContentId{3}, 20},
                        {ContentId{4}, 21}};
    EXPECT_TRUE(pool.policy().admits(ContentId{4})) << "nothing is idle";
    pool.insert_idle(0);
    pool.insert_idle(1);
    EXPECT_TRUE(pool.policy().admits(ContentId{2}));
    EXPECT_TRUE(pool.policy().admits(ContentId{3}));
    EXPECT_EQ(pool.policy().admits(ContentId{4}), !bypass);
    pool.pin(1);
    EXPECT_EQ(pool.policy().admits(ContentId{2}), !bypass);
  }
}

/// A copy that nobody reads is used when its content is.
TEST(Belady, KnowsTheFutureOfCopies) {
  ByHand pool("belady");
  pool.facts.nexts = {{ContentId{0}, 5}, {ContentId{1}, 7}};
  pool.insert_idle(0);
  pool.policy().on_insert(BlockId{9}, ContentId{0});
  pool.policy().on_unpin(BlockId{9});
  pool.insert_idle(1);
  pool.facts.nexts[ContentId{0}] = 30;
  pool.read(0);
  EXPECT_EQ(pool.evict_all(), (Order{9, 0, 1}));
}

}  // namespace
}  // namespace terrace
