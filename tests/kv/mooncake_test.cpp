// What LRU hits on a recorded trace, counted by other programs: if these numbers move, the pool
// does not evict as LRU does.

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "sim/kv/block_pool.hpp"
#include "tests/kv/mooncake_trace.hpp"

namespace terrace {
namespace {

constexpr std::int64_t kCapacities[] = {10'000, 30'000, 100'000, BlockPool::kUnlimited};

TEST_F(Mooncake, BlocksReadOneByOne) {
  const auto hits = [this](std::int64_t capacity) {
    BlockPool pool(capacity, make_eviction_policy("lru"));
    std::int64_t count = 0;
    for (const auto& prompt : prompts_) {
      for (const ContentId content : prompt) {
        if (const BlockId found = pool.find(content); found != BlockId::none()) {
          pool.touch(found);
          ++count;
        } else {
          const BlockId block = pool.allocate();
          pool.publish(block, content);
          pool.release(block);
        }
      }
    }
    pool.check_invariants();
    return count;
  };
  const std::int64_t expected[] = {60'921, 93'967, 104'924, 105'710};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(hits(kCapacities[i]), expected[i]);
}

/// As vLLM does: a request holds all its blocks and frees the last one first, so that the tail of a
/// prefix goes before its head.
TEST_F(Mooncake, BlocksHeldByRequestsThatFreeTheTailFirst) {
  const auto hits = [this](std::int64_t capacity) {
    BlockPool pool(capacity, make_eviction_policy("lru"));
    std::int64_t count = 0;
    for (const auto& prompt : prompts_) {
      std::vector<BlockId> held;
      for (const ContentId content : prompt) {
        BlockId block = pool.find(content);
        if (block != BlockId::none()) {
          pool.hold(block);
          ++count;
        } else {
          block = pool.allocate();
          pool.publish(block, content);
        }
        held.push_back(block);
      }
      for (; !held.empty(); held.pop_back()) pool.release(held.back());
    }
    pool.check_invariants();
    return count;
  };
  const std::int64_t expected[] = {61'046, 93'978, 104'924, 105'710};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(hits(kCapacities[i]), expected[i]);
}

}  // namespace
}  // namespace terrace
