// The policies against slow models that were written from the papers alone, access by access: the
// same hits, and the same victims.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sim/kv/block_pool.hpp"
#include "tests/kv/eviction_choice.hpp"
#include "tests/kv/still_facts.hpp"
#include "tests/oracles/access_streams.hpp"
#include "tests/oracles/cache_models.hpp"

namespace terrace {
namespace {

using oracle::Accesses;
using oracle::CacheModelParams;
using testing::eviction_choice;

struct Pair {
  std::string name;
  std::string policy;  // as in a scenario
  std::string model;
  CacheModelParams params;
  std::size_t longest = 1'000'000;  // stream to compare
};

CacheModelParams with(void (*set)(CacheModelParams&)) {
  CacheModelParams params;
  set(params);
  return params;
}

const std::vector<Pair>& pairs() {
  static const std::vector<Pair> kPairs = {
      {"lru", "lru", "lru", {}},
      {"mru", "mru", "mru", {}},
      {"fifo", "fifo", "fifo", {}},
      {"clock", "clock", "clock", {}},
      {"lfu", "lfu", "lfu", {}},
      {"lfu_recency", "lfu", "lfu_recency", {}},
      {"lfuda", "{policy: lfu, aging: dynamic}", "lfuda",
       with([](CacheModelParams& p) { p.compound_age = false; })},
      {"lfuda_compound",
       "{policy: lfu, aging: compound}",
       "lfuda",
       {},
       400},  // then the weights of the model overflow
      {"slru", "slru", "slru", {}},
      {"slru_2", "{policy: slru, segments: 2}", "slru",
       with([](CacheModelParams& p) { p.segments = 2; })},
      {"two_q", "2q", "2q", {}},
      {"arc", "arc", "arc", {}},
      {"s3fifo", "s3fifo", "s3fifo", {}},
      {"sieve", "sieve", "sieve", {}},
      {"wtinylfu", "{policy: wtinylfu, sketch_width: 0}", "wtinylfu",
       with([](CacheModelParams& p) { p.exact_counts = true; })},
      {"lirs", "lirs", "lirs", with([](CacheModelParams& p) { p.lirs_demotes_early = false; })},
      {"lirs_unlimited", "{policy: lirs, stack_ratio: 1e9}", "lirs", with([](CacheModelParams& p) {
         p.lirs_demotes_early = false;
         p.lirs_stack = CacheModelParams::kUnlimited;
       })},
      {"lru_2", "{policy: lru_k, history_ratio: 1e6}", "lru_k", {}},
      {"lru_2_forgetful", "{policy: lru_k, history_ratio: 0}", "lru_k",
       with([](CacheModelParams& p) { p.history = 0; })},
      {"gdsf", "gdsf", "gdsf", {}},
  };
  return kPairs;
}

// NOLINTNEXTLINE(readability-identifier-naming): what GoogleTest looks for
void PrintTo(const Pair& pair, std::ostream* out) { *out << pair.name; }

enum class Hit { reads_idle, holds_reads_releases };

/// Runs policy and model side by side; the number of the first access where they differ.
std::optional<std::size_t> first_difference(const Pair& pair, std::int64_t capacity,
                                            const Accesses& stream, Hit hit) {
  static const StillFacts kFacts;
  BlockPool pool(capacity, eviction_choice(pair.policy).recipe().make({capacity, &kFacts}));
  const auto model =
      oracle::make_cache_model(pair.model, static_cast<std::size_t>(capacity), pair.params);
  std::vector<ContentId> evicted;
  pool.record_evictions(evicted);
  for (std::size_t i = 0; i < std::min(stream.size(), pair.longest); ++i) {
    const ContentId content{stream[i]};
    BlockId block = pool.find(content);
    const bool found = block != BlockId::none();
    evicted.clear();
    if (!found) {
      block = pool.allocate(content);
      pool.publish(block, content);
      pool.release(block);
    } else if (hit == Hit::reads_idle) {
      pool.touch(block);
    } else {
      pool.hold(block);
      pool.touch(block);
      pool.release(block);
    }
    if (found != model->access(stream[i])) return i;
    const auto victim = model->last_victim();
    if (victim.has_value() == evicted.empty()) return i;
    if (victim && *victim != evicted.front().index()) return i;
  }
  return std::nullopt;
}

class EvictionModels : public ::testing::TestWithParam<Pair> {};

TEST_P(EvictionModels, AgreeAccessByAccess) {
  const std::vector<std::pair<std::string, Accesses>> streams = {
      {"zipf 0.7", oracle::zipf(3000, 300, 0.7, 1)},
      {"zipf 1.1", oracle::zipf(3000, 200, 1.1, 2)},
      {"uniform", oracle::uniform(2000, 60, 3)},
      {"loop", oracle::loop(1000, 45)},
      {"scan", oracle::scan(300)},
      {"zipf and scan", oracle::zipf_and_scan(3000, 240, 0.3, 4)},
      {"few", oracle::zipf(2000, 12, 0.5, 5)},
  };
  for (const auto& [name, stream] : streams) {
    for (const std::int64_t capacity : {1, 2, 3, 4, 5, 7, 10, 16, 33, 50, 99, 130}) {
      const Hit hit = capacity % 2 == 0 ? Hit::reads_idle : Hit::holds_reads_releases;
      EXPECT_EQ(first_difference(GetParam(), capacity, stream, hit), std::nullopt)
          << name << ", capacity " << capacity;
    }
  }
}

TEST_P(EvictionModels, AgreeWhereQueuesAreLong) {
  const Accesses stream = oracle::zipf_and_scan(20'000, 6000, 0.1, 6);
  EXPECT_EQ(first_difference(GetParam(), 1000, stream, Hit::reads_idle), std::nullopt);
  EXPECT_EQ(first_difference(GetParam(), 703, stream, Hit::holds_reads_releases), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Papers, EvictionModels, ::testing::ValuesIn(pairs()),
                         [](const auto& pair) { return pair.param.name; });

}  // namespace
}  // namespace terrace
