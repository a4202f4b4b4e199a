// Replicas that share experts and step together: timelines worked out by hand, what symmetry
// demands, and what holds for any group.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "sim/base/random.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/scenario/simulation.hpp"
#include "sim/serving/cluster.hpp"
#include "tests/scenario/random_scenario.hpp"
#include "tests/scenario/run_yaml.hpp"

namespace terrace {
namespace {

using std::chrono::microseconds;
using ::testing::HasSubstr;
using testing::Record;
using testing::Result;

constexpr std::int64_t kMicrosecond = 1'000'000;
constexpr std::int64_t kSecond = 1'000'000 * kMicrosecond;

const std::vector<std::string> kExperts = {
    "model.layers[0].mlp={kind: moe, experts: 4, top_k: 2, width: 64, gated: true}"};

std::vector<std::string> in_groups_of(int replicas) {
  std::vector<std::string> sets = kExperts;
  sets.push_back(fmt::format("serving.data_parallel={}", replicas));
  if (replicas > 1) sets.emplace_back("serving.expert_parallel=true");
  return sets;
}

std::string replay(const testing::TraceFile& trace, std::string_view serving,
                   std::string_view tiers = "") {
  return testing::kTinyModel + testing::kSlowMachine +
         fmt::format("serving: {{replicas: 2, {}}}\n{}workload: {{trace: {{path: {}}}}}\n", serving,
                     tiers, trace.path());
}

constexpr std::string_view kPlainCost =
    "cost: {backend: constant, per_step: 10 us, per_prefill_token: 1 us, per_decode: 1 us}";

SimTime at(std::int64_t us) { return SimTime{microseconds(us)}; }

// Rank 0 gets requests 0, 2; rank 1 gets 1, 3. Steps, of a group and of independent replicas:
//
//              rank 0           rank 1                          alone: 0        1
//    0 -  40   prefill 10       prefill 30                      0 -  20    0 -  40
//   40 -  51   decode           decode, request 1 is done      20 -  31   40 -  51
//   51 -  62   decode, 0 done   a dummy                        31 -  42
//   62 -  80   prefill 5        prefill 8                      55 -  70   57 -  75
TEST(Lockstep, StepsEndWithTheSlowestAndWhoComesMeanwhileWaits) {
  const testing::TraceFile trace(testing::trace_line(0, {{1, 10}}, 3) +
                                 testing::trace_line(0, {{2, 30}}, 2) +
                                 testing::trace_line(55 * kMicrosecond, {{3, 5}}, 1) +
                                 testing::trace_line(57 * kMicrosecond, {{4, 8}}, 1));
  const std::string yaml = replay(trace, kPlainCost);
  struct Ends {
    std::int64_t first_token;
    std::int64_t finished;
  };
  const auto expect = [&](int group, const std::vector<Ends>& ends, std::int64_t steps) {
    const Result run = testing::run(testing::parse(yaml, in_groups_of(group)));
    ASSERT_EQ(run.requests.size(), ends.size());
    for (std::size_t i = 0; i < ends.size(); ++i) {
      const Record& r = run.requests[i];
      EXPECT_EQ(r.replica, i % 2);
      EXPECT_EQ(r.first_token, at(ends[i].first_token)) << i;
      EXPECT_EQ(r.finished, at(ends[i].finished)) << i;
    }
    EXPECT_EQ(run.steps, steps) << "dummies do not count";
    EXPECT_EQ(run.requests[3].part(TtftPart::queue), microseconds(group == 2 ? 5 : 0));
    EXPECT_EQ(run.busy, run.stepping);
  };
  expect(1, {{20, 42}, {40, 51}, {70, 70}, {75, 75}}, 7);
  expect(2, {{40, 62}, {40, 51}, {80, 80}, {80, 80}}, 7);
}

// As long as one rank decodes, in steps of 100 us, another begins what comes to it with the next of
// them.
TEST(Lockstep, AnIdleRankJoinsAtTheNextStep) {
  std::string lines = testing::trace_line(0, {{1, 1}}, 1000);
  for (std::int64_t i = 1; i <= 40; ++i) {
    lines += testing::trace_line(i * 1037 * kMicrosecond, {{1 + i, 1}}, 1);
  }
  const testing::TraceFile trace(lines);
  const Result run = testing::run(testing::parse(
      replay(trace, "router: least_loaded, cost: {backend: constant, per_step: 100 us}"),
      in_groups_of(2)));
  ASSERT_EQ(run.requests.size(), 41U);
  EXPECT_EQ(run.requests[0].finished, at(100'000));
  for (std::int64_t i = 1; i <= 40; ++i) {
    const Record& r = run.requests[static_cast<std::size_t>(i)];
    const std::int64_t start = (i * 1037 + 99) / 100 * 100;
    EXPECT_EQ(r.replica, 1U);
    EXPECT_EQ(r.first_token, at(start + 100)) << i;
  }
}

// Equal requests reach both ranks at the same time: nobody ever waits for the other.
TEST(Lockstep, SymmetricRanksAreAsIndependentOnes) {
  std::string lines;
  Random random(7, "symmetric ranks");
  std::int64_t now = 0;
  for (std::int64_t i = 0; i < 200; ++i) {
    now += static_cast<std::int64_t>(random.below(400)) * kMicrosecond;
    const auto prompt = static_cast<std::int64_t>(1 + random.below(100));
    const auto output = static_cast<std::int64_t>(1 + random.below(20));
    for (const std::int64_t rank : {0, 1}) {
      lines += testing::trace_line(now, {{2 * i + rank + 1, prompt}}, output);
    }
  }
  const testing::TraceFile trace(lines);
  const std::string yaml =
      replay(trace, fmt::format("engine: {{num_gpu_blocks: 40, max_num_seqs: 6}}, {}", kPlainCost));
  const Result alone = testing::run(testing::parse(yaml, in_groups_of(1)));
  const Result together = testing::run(testing::parse(yaml, in_groups_of(2)));
  EXPECT_EQ(alone.requests, together.requests);
  EXPECT_EQ(alone.steps, together.steps);
}

// Text 1 is computed by rank 0, pushed out of its HBM by text 2, and comes back with 40 tokens
// behind it at the same time as 10 tokens come to rank 1. A step of 40 tokens takes t, a load l:
//   park       l + t and a step of its own for rank 1: only the request is waited for
//   blocking   l + t for both
//   layerwise  max(t, l + t/L) for both
TEST(Lockstep, ALoadKeepsTheWholeGroupWaiting) {
  constexpr std::int64_t kBlocks = 20;
  const testing::TraceFile trace(
      testing::trace_line(0, {{1, kBlocks * 16}}, 1) + testing::trace_line(0, {{10, 5}}, 1) +
      testing::trace_line(10 * kSecond, {{2, 28 * 16 + 1}}, 1) +
      testing::trace_line(10 * kSecond, {{11, 5}}, 1) +
      testing::trace_line(20 * kSecond, {{1, kBlocks * 16}, {3, 40}}, 1) +
      testing::trace_line(20 * kSecond, {{12, 10}}, 1));
  for (const std::string wait : {"park", "blocking", "layerwise"}) {
    SCOPED_TRACE(wait);
    const Scenario scenario = testing::parse(
        replay(trace,
               fmt::format("engine: {{num_gpu_blocks: 30, load_wait: {}}}, {}", wait, kPlainCost),
               "tiers: [{name: ram, capacity: unlimited, scope: private}]\n"),
        in_groups_of(2));
    const Result run = testing::run(scenario);
    ASSERT_EQ(run.requests.size(), 6U);
    const Record& loads = run.requests[4];
    const Record& other = run.requests[5];
    ASSERT_EQ(loads.tier_hits, Tokens{kBlocks * 16});
    const Duration load =
        testing::unloaded_time(scenario, Medium::dram, {Bytes{kBlocks * 4096}, kBlocks, kBlocks});
    ASSERT_GT(load, microseconds(100));
    const Duration step = microseconds(10 + 40);
    const Duration both = load + (wait == "layerwise" ? step / 4 : step);
    EXPECT_EQ(loads.ttft(), both);
    EXPECT_EQ(loads.part(TtftPart::kv_load), both - step);
    EXPECT_EQ(other.ttft(), wait == "park" ? microseconds(10 + 10) : both);
    EXPECT_EQ(other.part(TtftPart::prefill), other.ttft());
  }
}

/// Checks that the steps of a group are the same steps.
class Together final : public Observer {
 public:
  explicit Together(std::size_t group) : group_(group) {}

  void on_step(const StepRecord& step) override {
    Group& group = groups_[step.replica.index() / group_];
    if (step.start != group.start || group.stepped.contains(step.replica.index())) {
      RC_ASSERT(step.start >= group.end);
      group = {step.start, step.end, {}};
    }
    RC_ASSERT(step.end == group.end);
    group.stepped.insert(step.replica.index());
    shared_ += group.stepped.size() > 1 ? 1 : 0;
    tokens_ += step.outcome.tokens;
  }
  void on_left(const Request& r, SimTime) override {
    if (r.rejection == Rejection::none) tokens_left_ += r.output.count();
  }

  [[nodiscard]] std::int64_t shared() const { return shared_; }
  [[nodiscard]] bool balanced() const { return tokens_ == tokens_left_; }

 private:
  struct Group {
    SimTime start = SimTime::max();
    SimTime end{};
    std::set<std::size_t> stepped;
  };
  std::size_t group_;
  std::map<std::size_t, Group> groups_;
  std::int64_t shared_ = 0;
  std::int64_t tokens_ = 0;
  std::int64_t tokens_left_ = 0;
};

TEST(SlowLockstep, GroupsStepTogetherWhateverHappens) {
  std::int64_t shared = 0;
  testing::check_scenarios(3, 400, [&](const testing::RandomScenario& random) {
    const int group = *rc::gen::element(2, 4);
    std::vector<std::string> sets = in_groups_of(group);
    sets[0] = "model.layers[0].mlp={kind: moe, experts: 8, top_k: 2, width: 64, gated: true}";
    sets.emplace_back("serving.replicas=4");
    const Scenario scenario = testing::parse(random.yaml(), sets);
    Together together(static_cast<std::size_t>(group));
    Simulation simulation(scenario, {&together});
    RC_ASSERT(simulation.run());
    const RequestCounts& counts = simulation.view().cluster.counts();
    RC_ASSERT(counts.came == counts.finished + counts.rejected);
    RC_ASSERT(together.balanced());
    shared += together.shared();
  });
  EXPECT_GT(shared, 1000) << "too little happened to prove anything";
}

TEST(Lockstep, RefusesWhatWouldHaveNoEffect) {
  const auto error = [](std::string_view serving, const std::vector<std::string>& sets) {
    try {
      testing::parse(
          testing::kTinyModel + testing::kMachine +
              fmt::format("serving: {{replicas: 6, {}}}\n", serving) +
              "workload: {max_requests: 1, clients: [{name: a, arrivals: {process: "
              "poisson, rate: 1 /s}, prompt: {distribution: constant, value: 1}, output: "
              "{distribution: constant, value: 1}}]}\n",
          sets);
    } catch (const config::ConfigError& e) {
      return std::string(e.what());
    }
    return std::string("none");
  };
  EXPECT_EQ(error("data_parallel: 2, expert_parallel: true", kExperts), "none");
  EXPECT_EQ(error("tensor_parallel: 2, expert_parallel: true", kExperts), "none");
  EXPECT_THAT(error("data_parallel: 2", {}), HasSubstr("tiny has no experts to share"));
  EXPECT_THAT(error("expert_parallel: true, tensor_parallel: 2", {}),
              HasSubstr("expert_parallel has no effect: tiny has no experts"));
  EXPECT_THAT(error("expert_parallel: true", kExperts), HasSubstr("on a single GPU"));
  EXPECT_THAT(error("data_parallel: 2", kExperts), HasSubstr("set serving.expert_parallel: true"));
  EXPECT_THAT(error("data_parallel: 4, expert_parallel: true", kExperts),
              HasSubstr("make it divide serving.replicas"));
  EXPECT_THAT(error("data_parallel: 3, expert_parallel: true", kExperts),
              HasSubstr("the 4 experts of tiny cannot be divided among 3 GPUs"));
  EXPECT_THAT(error("pipeline_parallel: 5", {}),
              HasSubstr("the 4 layers of tiny cannot be divided into 5 stages"));
  EXPECT_THAT(error("engine: {cuda_graphs: false}, cost: {backend: constant, per_step: 1 ms}", {}),
              HasSubstr("have no effect on constant step times"));
  EXPECT_THAT(error("engine: {cuda_graphs: false, max_cudagraph_capture_size: 8}", {}),
              HasSubstr("has no effect without CUDA graphs"));
}

TEST(Lockstep, GpusHoldTheirShareOfLayersAndExperts) {
  const auto yaml = [](std::string_view serving) {
    return testing::kTinyModel + testing::kMachine +
           fmt::format("serving: {{replicas: 2, {}}}\n", serving) +
           "workload: {max_requests: 1, clients: [{name: a, arrivals: {process: poisson, rate: 1 "
           "/s}, prompt: {distribution: constant, value: 1}, output: {distribution: constant, "
           "value: 1}}]}\n";
  };
  const Scenario both = testing::parse(
      yaml("tensor_parallel: 2, pipeline_parallel: 2, data_parallel: 2, expert_parallel: true"),
      kExperts);
  EXPECT_EQ(parallel(both), (Parallel{.tensor = 2, .expert = 4, .pipeline = 2}));
  EXPECT_EQ(both.serving.gpus_per_replica(), 4);
  // One KV head: both GPUs of a stage hold it, each stage for half of the layers.
  EXPECT_EQ(kv_bytes(both, Tokens{16}), Bytes{2 * 4096});
  const Scenario plain = testing::parse(yaml("tensor_parallel: 2"), kExperts);
  EXPECT_EQ(parallel(plain), (Parallel{.tensor = 2, .expert = 1, .pipeline = 1}));
  EXPECT_EQ(kv_bytes(plain, Tokens{16}), Bytes{2 * 4096});
}

}  // namespace
}  // namespace terrace
