// Load or compute again: how the rules compare in the same world, and what others have to do with
// it.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sim/base/random.hpp"
#include "tests/scenario/run_yaml.hpp"

namespace terrace {
namespace {

using std::chrono::microseconds;
using testing::Record;
using testing::Result;

constexpr std::int64_t kSecond = 1'000'000'000'000;
constexpr std::int64_t kBlock = 16;
constexpr std::int64_t kBlockBytes = 4096;
constexpr std::int64_t kShared = 20;  // blocks of the text that comes back

/// Texts that have nothing in common, one by one, then the beginning of one of them again: up to
/// there, all rules see the same world.
struct World {
  std::string yaml;
  std::string lines;
  bool simple = true;  // one tier, written through: nothing moves beside the load
};

World random_world(std::uint64_t seed) {
  Random random(seed, "load rules");
  const auto between = [&](std::int64_t low, std::int64_t high) {
    return low +
           static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low + 1)));
  };
  World w;
  const std::int64_t texts = between(2, 6);
  std::vector<std::int64_t> tokens;
  for (std::int64_t i = 0; i < texts; ++i) {
    tokens.push_back(between(17, 600));
    w.lines += testing::trace_line(i * 10 * kSecond, {{i + 1, tokens.back()}}, 1);
  }
  const std::int64_t again = between(0, texts - 1);
  w.lines += testing::trace_line(
      texts * 10 * kSecond,
      {{again + 1, tokens[static_cast<std::size_t>(again)]}, {99, between(1, 99)}}, 1);
  const char* const media[] = {"dram", "nvme", "network"};
  const std::int64_t tiers = between(0, 1) == 0 ? 1 : between(2, 3);
  std::string list;
  std::int64_t block = kBlock;
  for (std::int64_t i = 0; i < tiers; ++i) {
    const bool through = between(0, 2) > 0;
    w.simple = w.simple && through && tiers == 1;
    block *= between(1, 2);
    list += fmt::format(
        "  - {{name: t{}, medium: {}, capacity: {} KiB, block_size: {}, write: {}}}\n", i,
        media[between(0, 2)], between(100, 700), block, through ? "through" : "back");
  }
  const bool constant = between(0, 1) == 0;
  w.yaml = testing::kTinyModel + (between(0, 1) == 0 ? testing::kMachine : testing::kSlowMachine) +
           fmt::format(
               "serving:\n  engine: {{num_gpu_blocks: {}, max_num_batched_tokens: {}}}\n{}"
               "tiers:\n{}",
               between(46, 80), between(0, 1) == 0 ? 8192 : between(16, 300),
               constant ? fmt::format("  cost: {{backend: constant, per_step: {} ns, "
                                      "per_prefill_token: {} ns}}\n",
                                      between(1, 200'000), between(1, 20'000))
                        : std::string(),
               list);
  return w;
}

// What a rule may choose from, it chooses well: cheaper has the plans of always and never, hybrid
// has those of cheaper. Forecasts are exact while nothing moves beside the load. If what is evicted
// for it is written at the same time, or a load comes from several tiers, which are expected to
// stand in each other's way until the last has arrived, they are not: not by enough to choose
// wrongly in any of these worlds, nor in ten times as many.
TEST(SlowLoadRuleRelations, MoreChoiceIsNeverLater) {
  int simple = 0;
  int better = 0;
  int hybrids = 0;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    SCOPED_TRACE(seed);
    const World w = random_world(seed);
    const testing::TraceFile file(w.lines);
    const auto last = [&](const std::string& load) {
      return testing::run(testing::parse(w.yaml + fmt::format("workload: {{trace: {{path: {}}}}}\n",
                                                              file.path()),
                                         {"serving.engine.load=" + load}))
          .requests.back();
    };
    const Record always = last("always");
    if (always.tier_hits == Tokens{}) continue;
    const Record never = last("never");
    const Record cheaper = last("cheaper");
    const Record hybrid = last("hybrid");
    EXPECT_LE(cheaper.ttft(), std::min(always.ttft(), never.ttft())) << w.yaml;
    EXPECT_LE(hybrid.ttft(), cheaper.ttft()) << w.yaml;
    simple += w.simple ? 1 : 0;
    better += hybrid.ttft() < cheaper.ttft() ? 1 : 0;
    hybrids += hybrid.part(TtftPart::kv_load) > Duration{} ? 1 : 0;
  }
  EXPECT_GT(simple, 30);
  EXPECT_GT(better, 40);
  EXPECT_GT(hybrids, 40);
}

// --- several requests ----------------------------------------------------------------------------

// Two at once, each for a text of its own. Alone, loading beats computing; behind the other's load
// it does not.
TEST(LoadRuleRelations, ABusyLinkIsAReasonToCompute) {
  const auto run = [](std::int64_t later) {
    const testing::TraceFile file(
        testing::trace_line(0, {{1, kShared * kBlock + 1}}, 1) +
        testing::trace_line(10 * kSecond, {{2, kShared * kBlock + 1}}, 1) +
        testing::trace_line(20 * kSecond, {{3, 60 * kBlock}}, 1) +
        testing::trace_line(30 * kSecond, {{1, kShared * kBlock + 1}}, 1) +
        testing::trace_line(30 * kSecond + later, {{2, kShared * kBlock + 1}}, 1));
    return testing::run_yaml(testing::kTinyModel + testing::kSlowMachine +
                             fmt::format(R"(
serving:
  engine: {{num_gpu_blocks: 62, load: cheaper}}
  cost: {{backend: constant, per_step: 1 us, per_prefill_token: 30 us}}
tiers: [{{name: ram, capacity: unlimited}}]
workload: {{trace: {{path: {}}}}}
)",
                                         file.path()));
  };
  // Alone 0.3 ms + 20 blocks of 0.37 ms = 7.7 ms to load, 9.6 ms to compute.
  const Result together = run(0);
  EXPECT_EQ(together.requests[3].tier_hits, Tokens{kShared * kBlock});
  EXPECT_EQ(together.requests[4].tier_hits, Tokens{0});
  EXPECT_EQ(together.requests[4].ttft(), microseconds(1 + 30 * (kShared * kBlock + 1)));
  const Result apart = run(kSecond);
  EXPECT_EQ(apart.requests[4].tier_hits, Tokens{kShared * kBlock});
  // Most of the first load is over: what is left of it and a load of its own still beat computing.
  const Result overlapping = run(6'000'000'000);
  EXPECT_EQ(overlapping.requests[4].tier_hits, Tokens{kShared * kBlock});
}

// Who computes ahead of its load is not preempted, for its blocks are being written: whoever lacks
// a block gives way itself, though it came first. All finish; the load arrives once.
TEST(LoadRuleRelations, NobodyIsPreemptedWhileItsLoadIsUnderWay) {
  const testing::TraceFile file(testing::trace_line(0, {{1, kShared * kBlock + 1}}, 1) +
                                testing::trace_line(10 * kSecond, {{2, 29 * kBlock + 1}}, 1) +
                                testing::trace_line(20 * kSecond, {{3, 8 * kBlock}}, 3) +
                                testing::trace_line(20 * kSecond, {{4, kBlock}}, 3) +
                                testing::trace_line(20 * kSecond, {{1, kShared * kBlock + 1}}, 1));
  const auto run = [&](const std::string& load) {
    return testing::run_yaml(testing::kTinyModel + testing::kSlowMachine +
                             fmt::format(R"(
serving:
  engine: {{num_gpu_blocks: 31, max_num_batched_tokens: 120, load: {}}}
  cost: {{backend: constant, per_step: 10 us, per_prefill_token: 10 us}}
tiers: [{{name: store, medium: network, capacity: unlimited}}]
workload: {{trace: {{path: {}}}}}
)",
                                         load, file.path()));
  };
  // When both others start their next block, one is left; the load has a millisecond to go.
  const Result hybrid = run("hybrid");
  ASSERT_TRUE(hybrid.complete);
  const Record& ahead = hybrid.requests[4];
  EXPECT_EQ(hybrid.requests[2].preemptions, 0);
  EXPECT_GT(hybrid.requests[3].preemptions, 0);
  EXPECT_EQ(ahead.preemptions, 0);
  EXPECT_GT(ahead.tier_hits, Tokens{});
  EXPECT_LT(ahead.tier_hits, Tokens{kShared * kBlock});
  EXPECT_EQ(hybrid.tiers[0].read.count(), ahead.tier_hits.count() / kBlock * kBlockBytes);
  // Nothing to be spared for: the last one gives way.
  const Result never = run("never");
  EXPECT_EQ(never.requests[3].preemptions, 0);
  EXPECT_GT(never.requests[4].preemptions, 0);
}

// Without loads, a tier that holds nothing back in HBM is as good as none.
TEST(LoadRuleRelations, NeverIsNoTier) {
  const std::string yaml = testing::kTinyModel + testing::kSlowMachine + R"(
serving:
  engine: {num_gpu_blocks: 60, max_num_batched_tokens: 120}
workload:
  max_requests: 300
  clients:
    - name: chat
      arrivals: {process: poisson, rate: 60 /s}
      prompt: {distribution: uniform, min: 1, max: 100}
      output: {distribution: uniform, min: 1, max: 40}
      content: {kind: shared_prefix, prompts: 9, length: {distribution: uniform, min: 9, max: 300}}
)";
  const Result none = testing::run_yaml(yaml);
  const Result never =
      testing::run(testing::parse(yaml + "tiers: [{name: ram, capacity: unlimited, write: back}]\n",
                                  {"serving.engine.load=never"}));
  EXPECT_EQ(none.requests, never.requests);
  EXPECT_EQ(never.tiers[0].hits, Tokens{});
  EXPECT_EQ(never.tiers[0].read, Bytes{});
  EXPECT_GT(never.tiers[0].written, Bytes{});
}

// --- mistakes ------------------------------------------------------------------------------------

std::string error(const std::string& engine, const std::string& tiers) {
  try {
    testing::parse(testing::kTinyModel + testing::kMachine + "serving: {engine: {" + engine +
                   "}}\n" + tiers + R"(
workload:
  max_requests: 1
  clients:
    - name: one
      arrivals: {process: deterministic, rate: 1 /s}
      prompt: {distribution: constant, value: 9}
      output: {distribution: constant, value: 9}
)");
  } catch (const config::ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(TierMistakes, ATierHoldsABlockAtLeast) {
  const std::string small = error("load: always", "tiers: [{name: ram, capacity: 1 kB}]");
  EXPECT_NE(small.find("tier 'ram' holds 1000 bytes, but one of its blocks of 16 tokens takes"),
            std::string::npos)
      << small;
  EXPECT_NE(small.find("0 switches it off"), std::string::npos);
  EXPECT_EQ(error("load: always", "tiers: [{name: ram, capacity: 1 MB}]"), "");
}

TEST(TierMistakes, PartsOfThePoolAreBounded) {
  for (const char* policy :
       {"{policy: s3fifo, ghost_ratio: 1e18}", "{policy: lru_k, history_ratio: 1e18}",
        "{policy: 2q, kout: 1e18}", "{policy: lirs, stack_ratio: 1e300}"}) {
    const std::string tiers =
        "tiers: [{name: ram, capacity: 1 MB, eviction: " + std::string(policy) + "}]";
    EXPECT_NE(error("load: always", tiers).find("must be between"), std::string::npos) << policy;
  }
}

TEST(LoadRuleMistakes, AreExplained) {
  const std::string tier = "tiers: [{name: ram, capacity: 1 MB}]";
  EXPECT_NE(error("load: cheaper", "").find("serving.engine.load has no effect without tiers"),
            std::string::npos);
  EXPECT_NE(error("load: never", "").find("remove it, or add tiers"), std::string::npos);
  EXPECT_NE(error("load: never, load_wait: blocking", tier).find("nothing is ever loaded"),
            std::string::npos);
  EXPECT_NE(error("load: hybrid, load_wait: layerwise", tier).find("must be park"),
            std::string::npos);
  EXPECT_NE(error("load: hybrid, enable_chunked_prefill: false", tier).find("two pieces"),
            std::string::npos);
  EXPECT_NE(error("load: hybird", tier).find("hybrid"), std::string::npos);
  for (const std::string good :
       {"load: always", "load: never", "load: cheaper, load_wait: layerwise", "load: hybrid"}) {
    EXPECT_EQ(error(good, tier), "");
  }
}

}  // namespace
}  // namespace terrace
