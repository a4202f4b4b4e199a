// How often each policy misses on a recorded trace, counted by other programs: libCacheSim and flat
// re-implementations of it agree on these numbers to the last access.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sim/kv/block_pool.hpp"
#include "tests/kv/eviction_choice.hpp"
#include "tests/kv/still_facts.hpp"

namespace terrace {
namespace {

using testing::eviction_choice;

using Stream = std::vector<ContentId>;

std::int64_t misses(std::string_view policy, std::int64_t capacity, const Stream& stream) {
  static const StillFacts kFacts;
  BlockPool pool(capacity, eviction_choice(std::string(policy)).recipe().make({capacity, &kFacts}));
  std::int64_t count = 0;
  for (const ContentId content : stream) {
    if (const BlockId found = pool.find(content); found != BlockId::none()) {
      pool.touch(found);
    } else {
      ++count;
      const BlockId block = pool.allocate(content);
      pool.publish(block, content);
      pool.release(block);
    }
  }
  pool.check_invariants();
  return count;
}

struct Golden {
  std::string_view name;
  std::string_view policy;  // as in a scenario
  std::int64_t misses[5];
};

constexpr std::int64_t kCapacities[] = {1000, 10'000, 30'000, 50'000, 100'000};

constexpr Golden kConversation[] = {
    {"lru", "lru", {275'669, 227'579, 194'533, 186'210, 183'576}},
    {"lfu", "lfu", {274'629, 250'487, 208'905, 189'311, 183'745}},
    {"lfuda", "{policy: lfu, aging: compound}", {274'636, 234'067, 194'306, 186'141, 183'576}},
    {"fifo", "fifo", {275'941, 234'688, 201'348, 190'404, 184'849}},
    {"arc", "arc", {273'225, 224'295, 198'825, 189'444, 183'745}},
    {"s3fifo", "s3fifo", {272'459, 232'110, 200'186, 187'506, 183'926}},
    {"sieve", "sieve", {274'629, 250'487, 208'905, 189'311, 183'745}},
    {"clock", "clock", {275'616, 226'670, 193'556, 186'310, 183'745}},
    {"two_q", "2q", {272'886, 235'162, 200'175, 189'738, 184'849}},
    {"slru", "slru", {274'921, 255'682, 209'825, 196'548, 185'360}},
    {"lirs", "lirs", {272'781, 232'344, 217'790, 212'377, 199'791}},
    {"gdsf", "gdsf", {275'616, 225'870, 193'755, 186'146, 183'745}},
};

// NOLINTNEXTLINE(readability-identifier-naming): what GoogleTest looks for
void PrintTo(const Golden& row, std::ostream* out) { *out << row.name; }

/// The prompts of the Mooncake conversation trace, one access per block of 512 tokens.
const Stream& conversation() {
  static const Stream kStream = [] {
    Stream stream;
    std::map<std::size_t, std::size_t> ids;
    const char* folder = std::getenv("TERRACE_DATA");
    if (folder == nullptr) return stream;
    std::ifstream in(std::string(folder) + "/traces/mooncake_conversation.jsonl");
    for (std::string line; std::getline(in, line);) {
      const auto request = nlohmann::json::parse(line);
      for (const auto& id : request.at("hash_ids"))
        stream.emplace_back(ids.try_emplace(id.get<std::size_t>(), ids.size()).first->second);
    }
    return stream;
  }();
  return kStream;
}

class EvictionGolden : public ::testing::TestWithParam<Golden> {};

TEST_P(EvictionGolden, MissesOnTheMooncakeConversations) {
  const Stream& stream = conversation();
  if (stream.empty()) {
    GTEST_SKIP() << "TERRACE_DATA does not name the folder with "
                    "traces/mooncake_conversation.jsonl";
  }
  ASSERT_EQ(stream.size(), 288'500U);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(misses(GetParam().policy, kCapacities[i], stream), GetParam().misses[i])
        << kCapacities[i];
  }
}

INSTANTIATE_TEST_SUITE_P(Published, EvictionGolden, ::testing::ValuesIn(kConversation),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace terrace
