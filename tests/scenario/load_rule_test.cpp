// Load or compute again: a lone request against the best of all plans, tried one by one and added
// up by hand.

#include <algorithm>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

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
constexpr std::int64_t kRest = 40;    // tokens behind it
constexpr std::int64_t kPrompt = kShared * kBlock + kRest;

std::int64_t div_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// --- one request, one tier -----------------------------------------------------------------------

struct Case {
  std::string machine;  // fast or slow
  std::string medium;
  std::string wait;
  std::int64_t ratio;
  std::int64_t budget;      // tokens of a step
  std::int64_t step_ns;     // of every step
  std::int64_t per_16_tok;  // ns
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.machine << ' ' << c.medium << ' ' << c.wait << ", ratio " << c.ratio << ", "
             << c.budget << " tokens, " << c.step_ns << " + " << c.per_16_tok << " ns per block";
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::string machine : {"fast", "slow"}) {
    for (const std::string medium : {"dram", "nvme", "network"}) {
      for (const std::int64_t ratio : {1, 4}) {
        for (const std::int64_t budget : {64, 8192}) {
          for (const std::int64_t step_ns : {10, 70'000}) {
            for (const std::int64_t per_block : {16, 1'600, 9'600, 48'000, 128'000, 1'600'000}) {
              all.push_back({machine, medium, "park", ratio, budget, step_ns, per_block});
            }
          }
        }
      }
    }
  }
  return all;
}

/// Text 1, then others that take all of HBM, then text 1 with another end, each alone.
Scenario reload(const Case& c, const std::string& load, const std::string& trace) {
  return testing::parse(testing::kTinyModel +
                        (c.machine == "fast" ? testing::kMachine : testing::kSlowMachine) +
                        fmt::format(R"(
serving:
  engine: {{num_gpu_blocks: 30, max_num_batched_tokens: {}, load: {}, load_wait: {}}}
  cost: {{backend: constant, per_step: {} ns, per_prefill_token: {} ps}}
tiers: [{{name: below, medium: {}, capacity: unlimited, block_size: {}}}]
workload: {{trace: {{path: {}}}}}
)",
                                    c.budget, load, c.wait, c.step_ns, c.per_16_tok * 1000 / 16,
                                    c.medium, c.ratio * kBlock, trace));
}

/// What the plans of one case take, by hand.
struct Plans {
  const Case& c;
  const Scenario& scenario;

  [[nodiscard]] Duration compute(std::int64_t tokens) const {
    return Duration{div_up(tokens, c.budget) * c.step_ns * 1000 +
                    tokens * c.per_16_tok * 1000 / 16};
  }
  [[nodiscard]] Duration load(std::int64_t from, std::int64_t to) const {
    if (from == to) return {};
    return testing::unloaded_time(
        scenario, scenario.tiers.front().medium,
        {Bytes{(to - from) * kBlockBytes}, to - from, (to - 1) / c.ratio - from / c.ratio + 1});
  }
  /// Load blocks [from, kShared), compute those before them meanwhile, then the rest.
  [[nodiscard]] Duration ttft(std::int64_t from) const {
    if (from == kShared) return compute(kPrompt);
    const Duration both = std::max(load(from, kShared), compute(from * kBlock));
    if (c.wait != "layerwise") return both + compute(kRest);
    const Duration first = compute(kRest);
    return std::max(first, both + first / 4);
  }
};

class LoadRules : public ::testing::Test {
 protected:
  testing::TraceFile trace_{
      testing::trace_line(0, {{1, kShared* kBlock}, {10, kRest}}, 1) +
      testing::trace_line(10 * kSecond, {{2, 28 * kBlock + 1}}, 1) +
      testing::trace_line(20 * kSecond, {{1, kShared* kBlock}, {11, kRest}}, 1)};

  Record last(const Case& c, const std::string& load, Scenario& scenario) const {
    scenario = reload(c, load, trace_.path());
    const Result run = testing::run(scenario);
    EXPECT_EQ(run.hbm.lookups, run.tiers[0].lookups);
    EXPECT_EQ(run.tiers[0].hits, run.requests.back().tier_hits);
    EXPECT_EQ(run.tiers[0].read.count(),
              run.requests.back().tier_hits.count() / kBlock * kBlockBytes);
    return run.requests.back();
  }
};

using SlowLoadRules = LoadRules;

TEST_F(SlowLoadRules, AlwaysAndNever) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(::testing::PrintToString(c));
    Scenario s;
    const Record never = last(c, "never", s);
    EXPECT_EQ(never.ttft(), (Plans{c, s}.compute(kPrompt)));
    EXPECT_EQ(never.tier_hits, Tokens{0});
    EXPECT_EQ(never.part(TtftPart::kv_load), Duration::zero());
    const Record always = last(c, "always", s);
    EXPECT_EQ(always.ttft(), (Plans{c, s}.ttft(0)));
    EXPECT_EQ(always.tier_hits, Tokens{kShared * kBlock});
  }
}

TEST_F(SlowLoadRules, CheaperLoadsIfThatIsSooner) {
  int loaded = 0;
  int computed = 0;
  for (Case c : cases()) {
    for (const std::string wait : {"park", "blocking", "layerwise"}) {
      c.wait = wait;
      if (wait == "layerwise" && c.budget < kRest) continue;
      SCOPED_TRACE(::testing::PrintToString(c));
      Scenario s;
      const Record r = last(c, "cheaper", s);
      const Plans plans{c, s};
      EXPECT_EQ(r.ttft(), std::min(plans.ttft(0), plans.ttft(kShared)));
      const bool loads = plans.ttft(0) <= plans.ttft(kShared);
      EXPECT_EQ(r.tier_hits, Tokens{loads ? kShared * kBlock : 0});
      ++(loads ? loaded : computed);
    }
  }
  EXPECT_GT(loaded, 50);
  EXPECT_GT(computed, 50);
}

// The threshold is sharp: a picosecond per token to one side or the other decides.
TEST_F(LoadRules, CheaperChangesItsMindAtBreakEven) {
  Case c{"fast", "nvme", "park", 1, 8192, 0, 0};
  c.step_ns = 100'000;
  Scenario s;
  const Record always = last(c, "always", s);
  const std::int64_t load = always.part(TtftPart::kv_load).count();
  for (const std::int64_t off : {-1, 0, 1}) {
    const std::int64_t per_token = div_up(load, kShared * kBlock) + off;
    Scenario scenario = reload(c, "cheaper", trace_.path());
    scenario.serving.cost.constant.per_prefill_token = Duration{per_token};
    const Record r = testing::run(scenario).requests.back();
    const bool pays = load <= per_token * kShared * kBlock;
    EXPECT_EQ(pays, off >= 0);
    EXPECT_EQ(r.tier_hits, Tokens{pays ? kShared * kBlock : 0});
  }
}

TEST_F(SlowLoadRules, HybridFindsTheBestSplit) {
  int inner = 0;
  for (const Case& c : cases()) {
    SCOPED_TRACE(::testing::PrintToString(c));
    Scenario s;
    const Record r = last(c, "hybrid", s);
    const Plans plans{c, s};
    Duration best = Duration::max();
    for (std::int64_t from = 0; from <= kShared; ++from) best = std::min(best, plans.ttft(from));
    const std::int64_t from = kShared - r.tier_hits.count() / kBlock;
    EXPECT_EQ(r.ttft(), best);
    EXPECT_EQ(r.ttft(), plans.ttft(from)) << from;
    if (from == 0 || from == kShared) continue;
    ++inner;
    const Duration head = plans.compute(from * kBlock);
    const Duration load = plans.load(from, kShared);
    EXPECT_EQ(r.part(TtftPart::kv_load), std::max(Duration{}, load - head));
    EXPECT_EQ(
        r.part(TtftPart::prefill),
        head + plans.compute(kRest) + (r.ttft() - std::max(load, head) - plans.compute(kRest)));
    EXPECT_EQ(r.part(TtftPart::queue), Duration::zero());
  }
  EXPECT_GT(inner, 40);
}

// --- several tiers -------------------------------------------------------------------------------

// The first ten blocks lie in DRAM, all twenty in a slow store: what pays is loaded, the rest is
// computed.
TEST_F(LoadRules, CheaperTakesTheNearPartOnly) {
  const auto run = [this](const std::string& load) {
    return testing::run(testing::parse(testing::kTinyModel + testing::kSlowMachine +
                                           fmt::format(R"(
serving:
  engine: {{num_gpu_blocks: 30, load: {}}}
  cost: {{backend: constant, per_step: 10 us, per_prefill_token: 40 us}}
tiers: [{{name: ram, capacity: 152 KiB}}, {{name: store, medium: network, capacity: unlimited}}]
workload: {{trace: {{path: {}}}}}
)",
                                                       load, trace_.path()),
                                       {"hardware.network.bandwidth=2 MB/s"}));
  };
  const Result cheaper = run("cheaper");
  EXPECT_EQ(cheaper.tiers[0].hits, Tokens{10 * kBlock});
  EXPECT_EQ(cheaper.tiers[1].hits, Tokens{0});
  // 4 ms for ten blocks from DRAM, 8 ms to compute the other 200 tokens; the store takes 2 ms each.
  const Duration load =
      microseconds(300) + 10 * (microseconds(300) + Bytes{kBlockBytes} / Bandwidth{60e6});
  const Duration off = cheaper.requests.back().ttft() - load - microseconds(10 + 200 * 40);
  EXPECT_LE(std::abs(off.count()), 10);  // the fabric rounds once, this ten times
  const Result always = run("always");
  EXPECT_EQ(always.tiers[0].hits, Tokens{10 * kBlock});
  EXPECT_EQ(always.tiers[1].hits, Tokens{10 * kBlock});
  EXPECT_GT(always.requests.back().ttft(), cheaper.requests.back().ttft());
  EXPECT_LE(run("hybrid").requests.back().ttft(), cheaper.requests.back().ttft());
}

}  // namespace
}  // namespace terrace
