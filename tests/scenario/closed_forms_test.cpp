// One request at a time, to the picosecond: a lone request takes what its steps take, and a lone
// load what the fabric takes for it.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sim/fabric/node.hpp"
#include "tests/scenario/run_yaml.hpp"

namespace terrace {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using testing::Record;
using testing::Result;

constexpr std::int64_t div_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

std::string lone(std::int64_t prompt, std::int64_t output) {
  return fmt::format(R"(
workload:
  max_requests: 1
  clients:
    - name: lone
      arrivals: {{process: deterministic, rate: 1 /s}}
      prompt: {{distribution: constant, value: {}}}
      output: {{distribution: constant, value: {}}}
)",
                     prompt, output);
}

struct Lone {
  std::int64_t prompt;
  std::int64_t budget;
  std::int64_t output;
};

std::ostream& operator<<(std::ostream& out, const Lone& c) {
  return out << c.prompt << '+' << c.output << " tokens, budget " << c.budget;
}

std::vector<Lone> lone_requests() {
  std::vector<Lone> all;
  for (const std::int64_t prompt : {1, 15, 16, 17, 100, 8192, 20000}) {
    for (const std::int64_t budget : {7, 16, 100, 8192}) {
      for (const std::int64_t output : {1, 2, 33}) all.push_back({prompt, budget, output});
    }
  }
  return all;
}

// A prompt of P tokens under a budget of C takes ceil(P / C) steps, the last of which yields the
// first token; every further token takes one step:
//   TTFT = ceil(P/C) per_step + P per_token
//   E2E  = TTFT + (out - 1) (per_step + per_decode)
TEST(ClosedForms, LoneRequestTakesItsSteps) {
  for (const Lone& c : lone_requests()) {
    SCOPED_TRACE(::testing::PrintToString(c));
    const auto [prompt, budget, output] = c;
    const Result run = testing::run_yaml(testing::kTinyModel + testing::kMachine +
                                         fmt::format(R"(
serving:
  engine: {{max_num_batched_tokens: {}}}
  cost: {{backend: constant, per_step: 10 ms, per_prefill_token: 3 us, per_decode: 5 us}}
)",
                                                     budget) +
                                         lone(prompt, output));
    const Record& r = run.requests.front();
    const std::int64_t chunks = div_up(prompt, budget);
    const Duration first = chunks * milliseconds(10) + prompt * microseconds(3);
    EXPECT_EQ(r.ttft(), first) << r;
    EXPECT_EQ(r.part(TtftPart::prefill), first);
    EXPECT_EQ(r.e2e() - r.ttft(), (output - 1) * (milliseconds(10) + microseconds(5)));
    EXPECT_EQ(run.steps, chunks + output - 1);
  }
}

// A cap on the tokens of one prompt in a step is a budget for who is alone.
TEST(ClosedForms, LoneRequestThresholdOfLongPrefillsIsItsBudget) {
  for (const Lone& c : lone_requests()) {
    SCOPED_TRACE(::testing::PrintToString(c));
    const auto [prompt, budget, output] = c;
    const Result run = testing::run_yaml(testing::kTinyModel + testing::kMachine +
                                         fmt::format(R"(
serving:
  engine: {{long_prefill_token_threshold: {}}}
  cost: {{backend: constant, per_step: 10 ms}}
)",
                                                     budget) +
                                         lone(prompt, output));
    EXPECT_EQ(run.requests.front().ttft(),
              div_up(prompt, std::min<std::int64_t>(budget, 8192)) * milliseconds(10));
  }
}

// The last token of a prompt is always computed, or nothing could be sampled: of a prompt that is
// cached whole, its last block is computed again.
TEST(ClosedForms, LoneRepetitionComputesItsLastBlock) {
  const testing::TraceFile file(testing::trace_line(0, {{1, 160}}, 1) +
                                testing::trace_line(1'000'000'000'000, {{1, 160}}, 1) +
                                testing::trace_line(2'000'000'000'000, {{1, 161}}, 1));
  const Result run = testing::run_yaml(testing::kTinyModel + testing::kMachine +
                                       fmt::format(R"(
serving: {{cost: {{backend: constant, per_prefill_token: 1 us}}}}
workload: {{trace: {{path: {}}}}}
)",
                                                   file.path()));
  EXPECT_EQ(run.requests[0].ttft(), microseconds(160));
  EXPECT_EQ(run.requests[1].hbm_hits, Tokens{144});
  EXPECT_EQ(run.requests[1].ttft(), microseconds(16));
  EXPECT_EQ(run.requests[2].hbm_hits, Tokens{0});  // a span of another length is another text
}

// With the roofline, each step takes what the cost model says of the same batch.
TEST(ClosedForms, LoneRequestTakesWhatTheRooflineSays) {
  for (const Lone& c : lone_requests()) {
    SCOPED_TRACE(::testing::PrintToString(c));
    const auto [prompt, budget, output] = c;
    const Scenario s = testing::parse(fmt::format(R"(
model: llama-3.1-8b
hardware: {{gpu: h200-sxm, host: dual-xeon-ddr5-2tib}}
serving: {{tensor_parallel: 2, engine: {{max_num_batched_tokens: {}}}}}
)",
                                                  budget) +
                                      lone(prompt, output));
    const Record r = testing::run(s).requests.front();
    const auto cost = make_cost_model(s);
    Duration first{};
    for (std::int64_t done = 0; done < prompt; done += budget) {
      const std::int64_t fresh = std::min(budget, prompt - done);
      const PrefillChunk chunk{Tokens{fresh}, Tokens{done}};
      first += cost->time({.prefills = {&chunk, 1}, .samples = done + fresh == prompt ? 1 : 0});
    }
    Duration rest{};
    for (std::int64_t i = 1; i < output; ++i)
      rest += cost->time({.decodes = 1,
                          .decode_context = Tokens{prompt + i},
                          .decode_longest = Tokens{prompt + i},
                          .samples = 1});
    EXPECT_EQ(r.ttft(), first);
    EXPECT_EQ(r.e2e(), first + rest);
  }
}

// --- loads ---------------------------------------------------------------------------------------

struct LoadCase {
  std::string medium;
  std::string wait;
  std::int64_t tier_block;
  std::string layout;
  std::int64_t step_us;
};

std::ostream& operator<<(std::ostream& out, const LoadCase& c) {
  return out << c.medium << ' ' << c.wait << ' ' << c.tier_block << ' ' << c.layout << ' '
             << c.step_us << " us";
}

std::vector<LoadCase> load_cases() {
  std::vector<LoadCase> all;
  for (const std::string medium : {"dram", "nvme", "network"}) {
    for (const std::string wait : {"park", "layerwise", "blocking"}) {
      for (const std::int64_t tier_block : {16, 64}) {
        for (const std::string layout : {"block", "layer"}) {
          for (const std::int64_t step_us : {1, 100'000}) {
            all.push_back({medium, wait, tier_block, layout, step_us});
          }
        }
      }
    }
  }
  return all;
}

constexpr std::int64_t kBlocks = 20;

/// Text 1, then others that take all of HBM, then text 1 again: a load of 20 blocks and a step of
/// one token, one second apart from all else.
Record reload(const LoadCase& c, Scenario& scenario) {
  constexpr std::int64_t kSecond = 1'000'000'000'000;
  const testing::TraceFile file(testing::trace_line(0, {{1, kBlocks * 16 + 1}}, 1) +
                                testing::trace_line(kSecond, {{2, 28 * 16 + 1}}, 1) +
                                testing::trace_line(2 * kSecond, {{1, kBlocks * 16 + 1}}, 1));
  scenario =
      testing::parse(testing::kTinyModel + testing::kMachine +
                     fmt::format(R"(
serving:
  engine: {{num_gpu_blocks: 30, load_wait: {}, kv_layout: {}}}
  cost: {{backend: constant, per_step: {} us, per_prefill_token: 1 us}}
tiers: [{{name: below, medium: {}, capacity: unlimited, block_size: {}}}]
workload: {{trace: {{path: {}}}}}
)",
                                 c.wait, c.layout, c.step_us, c.medium, c.tier_block, file.path()));
  const Result run = testing::run(scenario);
  return run.requests.at(2);
}

/// What the fabric takes for those blocks if nothing else moves.
Duration unloaded(const LoadCase& c, const Scenario& s, Bytes block) {
  const std::int64_t pieces = c.layout == "block" ? 1 : 2 * s.model.layers.front().count;
  return testing::unloaded_time(s, s.tiers.front().medium,
                                {block * kBlocks, kBlocks * pieces, kBlocks * 16 / c.tier_block});
}

// A step of time t after or behind a load of time l, with L layers:
//   park       l + t             the request is scheduled when its blocks are there
//   blocking   l + t             the step begins when they are
//   layerwise  max(t, l + t/L)   layer i begins when i/L of them are
TEST(ClosedForms, LoneLoadTakesWhatTheFabricTakes) {
  for (const LoadCase& c : load_cases()) {
    SCOPED_TRACE(::testing::PrintToString(c));
    Scenario s;
    const Record r = reload(c, s);
    ASSERT_EQ(r.hbm_hits, Tokens{0});
    ASSERT_EQ(r.tier_hits, Tokens{kBlocks * 16});
    const Bytes block = kv_bytes_per_token(s.model, s.serving.engine.kv_cache_dtype) * 16;
    const Duration load = unloaded(c, s, block);
    ASSERT_GT(load, microseconds(10));
    const Duration step = microseconds(c.step_us + 1);
    const Duration ttft = c.wait == "layerwise" ? std::max(step, load + step / 4) : load + step;
    EXPECT_EQ(r.ttft(), ttft);
    EXPECT_EQ(r.part(TtftPart::queue), Duration::zero());
    EXPECT_EQ(r.part(TtftPart::prefill), step);
    EXPECT_EQ(r.part(TtftPart::kv_load), ttft - step);
  }
}

}  // namespace
}  // namespace terrace
