// What LRU hits on a recorded trace, counted by other programs: if these numbers move, the pool
// does not evict as LRU does.

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sim/kv/block_pool.hpp"

namespace terrace {
namespace {

constexpr std::int64_t kCapacities[] = {10'000, 30'000, 100'000, BlockPool::kUnlimited};

/// The prompts of the Mooncake conversation trace: blocks of 512 tokens, the same id for the same
/// text from the start on.
class Mooncake : public testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("TERRACE_DATA");
    if (folder == nullptr) GTEST_SKIP() << "TERRACE_DATA does not name the folder with traces/";
    const std::string path = std::string(folder) + "/traces/mooncake_conversation.jsonl";
    std::ifstream in(path);
    if (!in) GTEST_SKIP() << "there is no " << path;
    for (std::string line; std::getline(in, line);) {
      auto& prompt = prompts_.emplace_back();
      const auto request = nlohmann::json::parse(line);
      for (const auto& id : request.at("hash_ids")) {
        prompt.emplace_back(id.get<std::size_t>());
      }
      accesses_ += static_cast<std::int64_t>(prompt.size());
    }
    ASSERT_EQ(accesses_, 288'500);
  }

  std::vector<std::vector<ContentId>> prompts_;
  std::int64_t accesses_ = 0;
};

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
