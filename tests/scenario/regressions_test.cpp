// Scenarios that once went wrong, as small as they could be made, each named after what went wrong.

#include <cstdint>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/scenario/run_yaml.hpp"

namespace terrace {
namespace {

using testing::Result;

void expect_complete(const Result& run) {
  EXPECT_TRUE(run.complete) << run.finished << " of " << run.came << " finished, then it was stuck";
  EXPECT_EQ(run.came, run.finished + run.rejected);
  EXPECT_GT(run.finished, 0);
}

/// Forty prompts that share nothing, ten blocks each, through an HBM of fifteen.
std::string passing_through(const std::string& tiers) {
  return testing::kTinyModel + testing::kMachine + R"(
serving: {engine: {num_gpu_blocks: 16}}
workload:
  max_requests: 40
  clients:
    - name: unique
      arrivals: {process: deterministic, rate: 100 /s}
      prompt: {distribution: constant, value: 160}
      output: {distribution: constant, value: 1}
)" + tiers;
}

// A block that was demoted into a tier went on to the next write-through tier, over a channel that
// exists only between write-through tiers.
TEST(Regressions, EvictedBlocksBesideWriteThrough) {
  const std::string ram = "  - {name: ram, capacity: 200 KiB, write: back}\n";
  const std::string disk = "  - {name: disk, medium: nvme, capacity: 1 MiB}\n";
  const std::string net = "  - {name: net, medium: network, capacity: 1 MiB, write: back}\n";
  const std::string top = "  - {name: top, capacity: 200 KiB}\n";
  const Result two = testing::run_yaml(passing_through("tiers:\n" + ram + disk));
  expect_complete(two);
  EXPECT_GT(two.tiers[0].written, Bytes{});
  EXPECT_EQ(two.tiers[1].written, Bytes{40 * 10 * 4096});

  // The chain of write-through tiers also skips one that takes evictions only.
  const Result three = testing::run_yaml(passing_through("tiers:\n" + top + net + disk));
  expect_complete(three);
  EXPECT_EQ(three.tiers[0].written, Bytes{40 * 10 * 4096});
  EXPECT_EQ(three.tiers[2].written, Bytes{40 * 10 * 4096});
}

// A request that ran alone gave up its blocks for lack of more, went to the front of the queue, and
// there, for ever, kept the loaded requests behind it from running that held what it lacked.
TEST(Regressions, LoadedRequestsBehindOneThatLacksTheirBlocks) {
  const Scenario scenario = testing::parse(testing::kTinyModel + testing::kMachine + R"(
serving:
  engine: {block_size: 15, num_gpu_blocks: 12, max_num_seqs: 1, max_num_batched_tokens: 9}
  cost: {backend: constant, per_step: 100 us, per_prefill_token: 5 us, per_decode: 3 us}
tiers: [{name: ram, capacity: 44 kB}]
workload:
  max_requests: 44
  clients:
    - name: rag
      arrivals:
        {process: closed_loop, users: 6, think: {distribution: constant, value: 0 s}, ramp: 1 ms}
      prompt: {distribution: constant, value: 5}
      output: {distribution: zipf, min: 1, max: 21, exponent: 1}
      content:
        {kind: rag, documents: 4, length: {distribution: constant, value: 56},
         documents_per_request: 2}
    - name: shared
      arrivals: {process: deterministic, rate: 300 /s}
      prompt: {distribution: uniform, min: 1, max: 97}
      output: {distribution: zipf, min: 1, max: 11, exponent: 1}
      content: {kind: shared_prefix, length: {distribution: constant, value: 45}}
)");
  for (std::int64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    expect_complete(testing::run_seeded(scenario, seed));
  }
}

// Two hosts write parts of one conversation to a store. The block that completes a larger one below
// arrived before its sibling, which was sent on, and let go of, while it was still on its way.
TEST(Regressions, SiblingStillOnItsWay) {
  const Scenario scenario = testing::parse(testing::kTinyModel + testing::kMachine + R"(
serving:
  replicas: 2
  replicas_per_host: 1
  engine:
    {block_size: 4, num_gpu_blocks: 30, max_num_seqs: 1, max_num_batched_tokens: 45,
     kv_layout: layer}
tiers:
  - {name: store, medium: network, capacity: unlimited}
  - {name: archive, medium: network, capacity: unlimited, block_size: 8}
workload:
  max_requests: 60
  clients:
    - name: chat
      arrivals: {process: deterministic, rate: 300 /s}
      prompt: {distribution: lognormal, mean: 3, cv: 1.5, clip: {max: 200}}
      output: {distribution: constant, value: 1}
      content:
        {kind: conversation, turns: {distribution: constant, value: 2},
         think: {distribution: constant, value: 0 s}}
)",
                                           {"hardware.gpu.efficiency.step_overhead=0 s"});
  for (std::int64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    expect_complete(testing::run_seeded(scenario, seed));
  }
}

// A request used a block once more, which was therefore written to the tier, and took the place of
// one that the same request was about to load.
TEST(Regressions, WrittenOverWhatWasToBeLoaded) {
  const Scenario scenario = testing::parse(testing::kTinyModel + testing::kSlowMachine + R"(
serving: {tensor_parallel: 2, engine: {block_size: 2, num_gpu_blocks: 80}}
tiers:
  - {name: disk, medium: nvme, capacity: 12 kB, block_size: 6, write: selective,
     write_queue: {limit: 2, when_full: drop_oldest}}
workload:
  max_requests: 40
  clients:
    - name: c0
      arrivals:
        {process: closed_loop, users: 4, think: {distribution: lognormal, mean: 20 ms, cv: 2},
         ramp: 1 ms}
      prompt: {distribution: zipf, min: 1, max: 184, exponent: 1}
      output: {distribution: constant, value: 52}
      content:
        {kind: conversation, turns: {distribution: uniform, min: 1, max: 3},
         think: {distribution: constant, value: 0 ps},
         system: {prompts: 2, length: {distribution: zipf, min: 1, max: 36, exponent: 1}}}
    - name: c1
      arrivals: {process: gamma, rate: 300 /s, cv: 3}
      prompt: {distribution: zipf, min: 1, max: 194, exponent: 1}
      output: {distribution: constant, value: 28}
)");
  expect_complete(testing::run_seeded(scenario, 925));
}

}  // namespace
}  // namespace terrace
