// Changes to a scenario that must not change its results, or must change them in a known way.

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/scenario/random_scenario.hpp"
#include "tests/scenario/run_yaml.hpp"

namespace terrace {
namespace {

using testing::RandomScenario;
using testing::Record;
using testing::Result;

/// Chats and shared documents on two replicas, with HBM for a few of them.
std::string busy(const std::string& machine, const std::string& tiers) {
  return "seed: 7\n" + testing::kTinyModel + machine + R"(
serving:
  replicas: 2
  router: prefix_aware
  engine: {num_gpu_blocks: 90, max_num_seqs: 8, max_num_batched_tokens: 128}
  cost: {backend: constant, per_step: 300 us, per_prefill_token: 4 us, per_decode: 5 us}
workload:
  max_requests: 600
  clients:
    - name: chat
      arrivals: {process: poisson, rate: 30 /s}
      prompt: {distribution: uniform, min: 1, max: 100}
      output: {distribution: uniform, min: 1, max: 60}
      content:
        kind: conversation
        turns: {distribution: uniform, min: 1, max: 6}
        think: {distribution: exponential, mean: 100 ms}
        max_context: 900
    - name: rag
      arrivals: {process: gamma, rate: 20 /s, cv: 2}
      prompt: {distribution: uniform, min: 1, max: 40}
      output: {distribution: uniform, min: 1, max: 20}
      content:
        kind: rag
        documents: 12
        length: {distribution: uniform, min: 50, max: 200}
        documents_per_request: 2
)" + tiers;
}

void expect_same(const Result& a, const Result& b) {
  EXPECT_EQ(a.requests, b.requests);
  EXPECT_EQ(a.steps, b.steps);
  EXPECT_EQ(a.end, b.end);
  EXPECT_EQ(a.hbm.hits, b.hbm.hits);
  EXPECT_EQ(a.busy, b.busy);
}

// --- what changes nothing ------------------------------------------------------------------------

TEST(Metamorphic, TierWithoutCapacityIsNoTier) {
  const Result without = testing::run_yaml(busy(testing::kMachine, ""));
  ASSERT_EQ(without.requests.size(), 600U);
  for (const std::string medium : {"dram", "nvme", "network"}) {
    SCOPED_TRACE(medium);
    expect_same(without,
                testing::run_yaml(
                    busy(testing::kMachine,
                         fmt::format("tiers: [{{name: off, medium: {}, capacity: 0}}]", medium))));
  }
  const std::string ram = "  - {name: ram, capacity: 100 KiB}\n";
  const auto off = [](int i) {
    return fmt::format("  - {{name: off{}, medium: nvme, capacity: 0, block_size: 64}}\n", i);
  };
  const std::string disk = "  - {name: disk, medium: nvme, capacity: 1 MiB, block_size: 32}\n";
  const Result two = testing::run_yaml(busy(testing::kMachine, "tiers:\n" + ram + disk));
  expect_same(
      two, testing::run_yaml(busy(testing::kMachine, "tiers:\n" + ram + off(1) + disk + off(2))));
  EXPECT_NE(two.requests, without.requests);
}

TEST(Metamorphic, SameSeedSameRunOtherSeedAnother) {
  const Scenario scenario = testing::parse(
      busy(testing::kMachine, "tiers: [{name: ram, capacity: 200 KiB, write: back}]"));
  const Result run = testing::run(scenario);
  expect_same(run, testing::run(scenario));
  EXPECT_NE(run.requests, testing::run_seeded(scenario, 8).requests);
}

/// A machine on which writes wait.
std::string written(const std::string& keys) {
  return busy(testing::kSlowMachine,
              fmt::format("tiers: [{{name: ram, capacity: unlimited, {}}}]\n", keys));
}

TEST(Metamorphic, OneUseIsEveryBlockAndABatchOfOneIsNone) {
  const auto same = [](const std::string& one, const std::string& other) {
    SCOPED_TRACE(other);
    const Result a = testing::run_yaml(written(one));
    const Result b = testing::run_yaml(written(other));
    expect_same(a, b);
    EXPECT_EQ(a.tiers[0].written, b.tiers[0].written);
    EXPECT_GT(a.tiers[0].written, Bytes{});
  };
  same("write: through", "write: selective, write_uses: 1");
  same("write: back", "write: back_batched, write_batch: 1");
  for (const std::string rule : {"skip", "drop_oldest", "block"}) {
    same("write: through",
         fmt::format("write: through, write_queue: {{limit: 1000000, when_full: {}}}", rule));
  }
}

// An engine whose queue blocks does not begin a step before the batch ahead of it has arrived; one
// that skips does.
TEST(Metamorphic, ABlockingQueueMakesTheEngineWait) {
  const auto run = [](const std::string& rule) {
    return testing::run_yaml(
        written(fmt::format("write: through, write_queue: {{limit: 1, when_full: {}}}", rule)));
  };
  const Result skips = run("skip");
  const Result blocks = run("block");
  const Result drops = run("drop_oldest");
  EXPECT_GT(skips.tiers[0].writes_skipped, 0);
  EXPECT_GT(drops.tiers[0].writes_dropped, 0);
  EXPECT_EQ(blocks.tiers[0].writes_skipped + blocks.tiers[0].writes_dropped, 0);
  EXPECT_EQ(blocks.finished, 600);
  EXPECT_GT(blocks.tiers[0].written, skips.tiers[0].written);
  EXPECT_GT(blocks.end, skips.end);
}

// A scenario file says all there is to say: written out in full and read again, it is the same run.
TEST(SlowMetamorphic, ResolvedScenarioIsTheSameRun) {
  testing::check_scenarios(2, 300, [](const RandomScenario& random) {
    const Scenario scenario = testing::parse(random.yaml());
    const Result run = testing::run(scenario);
    RC_ASSERT(testing::run_yaml(resolved_yaml(scenario)).requests == run.requests);
  });
}

// No globals: several runs at once, each of another scenario, give what they give alone.
TEST(SlowMetamorphic, RunsDoNotDisturbEachOther) {
  std::vector<Scenario> scenarios;
  testing::check_scenarios(3, 60, [&scenarios](const RandomScenario& random) {
    scenarios.push_back(testing::parse(random.yaml()));
  });
  std::vector<Result> alone;
  for (const Scenario& scenario : scenarios) alone.push_back(testing::run(scenario));
  std::vector<Result> together(scenarios.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t i = t; i < scenarios.size(); i += 4) {
          together[i] = testing::run(scenarios[i]);
        }
      });
    }
  }
  for (std::size_t i = 0; i < scenarios.size(); ++i) {
    EXPECT_EQ(alone[i].requests, together[i].requests);
    EXPECT_EQ(alone[i].links, together[i].links);
  }
}

// Random streams belong to names, not to places in a file: each client sends the same requests at
// the same times wherever it stands, and since no two arrive together, they fare the same.
TEST(Metamorphic, OrderOfClientsDoesNotMatter) {
  const std::vector<std::string> clients = {
      "    - {name: a, arrivals: {process: poisson, rate: 40 /s}, prompt: {distribution: uniform, "
      "min: 1, max: 300}, output: {distribution: uniform, min: 1, max: 50}}\n",
      "    - {name: b, arrivals: {process: gamma, rate: 30 /s, cv: 2}, prompt: {distribution: "
      "lognormal, mean: 80, cv: 1, clip: {max: 400}}, output: {distribution: constant, value: 9}, "
      "content: {kind: shared_prefix, prompts: 4, length: {distribution: uniform, min: 20, max: "
      "99}}}\n",
      "    - {name: c, arrivals: {process: on_off, rate_on: 90 /s, mean_on: 1 s, mean_off: 2 s}, "
      "prompt: {distribution: zipf, min: 1, max: 200, exponent: 1}, output: {distribution: "
      "uniform, "
      "min: 1, max: 20}}\n"};
  const auto by_client = [&clients](const std::vector<std::size_t>& order) {
    std::string yaml = "seed: 3\n" + testing::kTinyModel + testing::kMachine + R"(
serving:
  engine: {num_gpu_blocks: 80, max_num_seqs: 6, max_num_batched_tokens: 200}
tiers: [{name: ram, capacity: 200 KiB}]
workload:
  duration: 5 s
  clients:
)";
    for (const std::size_t i : order) yaml += clients[i];
    const Result run = testing::run_yaml(yaml);
    std::map<std::size_t, std::vector<Record>> all;
    for (Record r : run.requests) {
      const std::size_t name = order[r.client];
      r.client = 0;
      all[name].push_back(r);
    }
    return all;
  };
  const auto one = by_client({0, 1, 2});
  EXPECT_GT(one.at(2).size(), 30U);
  EXPECT_EQ(one, by_client({2, 0, 1}));
  EXPECT_EQ(one, by_client({1, 2, 0}));
}

// A replica that nobody is sent to changes nothing: least_loaded breaks ties by the lower number,
// so requests that do not overlap all go to the first.
TEST(Metamorphic, IdleReplicasChangeNothing) {
  const std::string yaml = testing::kTinyModel + testing::kMachine + R"(
serving: {router: least_loaded, engine: {num_gpu_blocks: 40}}
tiers: [{name: ram, capacity: unlimited}]
workload:
  max_requests: 200
  clients:
    - name: sparse
      arrivals: {process: deterministic, rate: 1 /s}
      prompt: {distribution: uniform, min: 1, max: 200}
      output: {distribution: uniform, min: 1, max: 20}
      content: {kind: shared_prefix, prompts: 9, length: {distribution: uniform, min: 9, max: 300}}
)";
  const Result one = testing::run(testing::parse(yaml));
  EXPECT_GT(one.tiers.front().hits, Tokens{});
  EXPECT_EQ(one.requests, testing::run(testing::parse(yaml, {"serving.replicas=3"})).requests);
}

// --- what changes results in a known way ---------------------------------------------------------

/// Every duration and rate of this scenario multiplied by `k`.
Result stretched(const std::string& trace, std::int64_t k, const std::string& tiers) {
  const auto gb = [k](std::int64_t rate) { return fmt::format("{} kB/s", rate * 1'000'000 / k); };
  const std::string us = fmt::format("{} us", 5 * k);
  std::vector<std::string> sets;
  for (const std::string key :
       {"gpu.host_link.h2d", "gpu.host_link.d2h", "gpu.host_link.descriptors.small_bandwidth",
        "gpu.host_link.descriptors.large_bandwidth"}) {
    sets.push_back("hardware." + key + "=" + gb(20));
  }
  for (const std::string key :
       {"gpu.host_link.latency", "gpu.host_link.descriptors.small_fixed",
        "gpu.host_link.descriptors.large_fixed", "ssd.read.latency", "ssd.write.latency"}) {
    sets.push_back("hardware." + key + "=" + us);
  }
  for (const std::string key :
       {"read.stream", "read.bandwidth", "write.stream", "write.bandwidth"}) {
    sets.push_back("hardware.ssd." + key + "=" + gb(4));
  }
  sets.push_back("hardware.host.dram_bandwidth=" + gb(200));
  sets.push_back(fmt::format("hardware.ssd.read.iops={}", 1'000'000'000'000 / k));
  sets.push_back(fmt::format("hardware.ssd.write.iops={}", 1'000'000'000'000 / k));
  return testing::run(testing::parse(testing::kTinyModel + testing::kMachine +
                                         fmt::format(R"(
serving:
  replicas: 2
  engine: {{num_gpu_blocks: 70, max_num_seqs: 6, max_num_batched_tokens: 100}}
  cost: {{backend: constant, per_step: {} us, per_prefill_token: {} ns, per_decode: {} ns}}
workload: {{trace: {{path: {}}}}}
{}
)",
                                                     300 * k, 4000 * k, 5000 * k, trace, tiers),
                                     sets));
}

std::string stretched_trace(std::int64_t k) {
  std::string lines;
  std::int64_t at = 0;
  for (std::int64_t i = 0; i < 400; ++i) {
    at += (i * 7919 % 13) * 1'234'567'891;  // ps; up to 15 ms apart
    lines += testing::trace_line(
        at * k, {{i * 31 % 17 + 1, 48 + i * 31 % 17 * 16}, {1000 + i, 1 + i % 40}}, 1 + i * 5 % 30);
  }
  return lines;
}

// A world a thousand times as slow is the same world: every time scales. Steps do so exactly;
// transfers are rounded up to whole picoseconds, so a thousand of the slow ones may lack for each
// rounding that came before, of which there are far fewer than 10,000.
TEST(Metamorphic, TimeHasNoScale) {
  constexpr std::int64_t kSlow = 1000;
  const testing::TraceFile fast_trace(stretched_trace(1));
  const testing::TraceFile slow_trace(stretched_trace(kSlow));
  for (const std::string tiers :
       {"",
        "tiers: [{name: ram, capacity: 200 KiB}, {name: disk, medium: nvme, capacity: 1 MB}]"}) {
    SCOPED_TRACE(tiers);
    const Result fast = stretched(fast_trace.path(), 1, tiers);
    const Result slow = stretched(slow_trace.path(), kSlow, tiers);
    ASSERT_EQ(fast.requests.size(), slow.requests.size());
    EXPECT_EQ(fast.steps, slow.steps);
    const std::int64_t allowed = tiers.empty() ? 0 : 10'000 * kSlow;
    for (std::size_t i = 0; i < fast.requests.size(); ++i) {
      const Record& f = fast.requests[i];
      const Record& s = slow.requests[i];
      EXPECT_EQ(f.replica, s.replica);
      EXPECT_EQ(f.hbm_hits, s.hbm_hits);
      EXPECT_EQ(f.tier_hits, s.tier_hits);
      EXPECT_LE(std::abs((kSlow * f.ttft() - s.ttft()).count()), allowed) << f << '\n' << s;
      EXPECT_LE(std::abs((kSlow * f.e2e() - s.e2e()).count()), allowed);
    }
  }
}

}  // namespace
}  // namespace terrace
