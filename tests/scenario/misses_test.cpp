// Why tokens were missed, in whole runs: recording it changes nothing, and adds up.

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "sim/kv/fates.hpp"
#include "sim/kv/hierarchy.hpp"
#include "tests/scenario/random_scenario.hpp"
#include "tests/scenario/run_yaml.hpp"

namespace terrace {
namespace {

using testing::check_scenarios;
using testing::kMachine;
using testing::kTinyModel;
using testing::parse;
using testing::RandomScenario;
using testing::Result;
using testing::trace_line;
using testing::TraceFile;

struct Explained {
  Misses misses;
  std::int64_t lookups = 0;
  std::int64_t hits = 0;
  std::vector<std::int64_t> tier_hits;
};

Explained explained(Scenario scenario) {
  scenario.output.misses = true;
  Simulation simulation(scenario, {});
  simulation.run();  // throws unless every missed token has a cause
  const RunView view = simulation.view();
  Explained e;
  e.misses = view.fates->misses();
  e.lookups = view.hierarchy.hbm_counters().lookups.count();
  e.hits = view.hierarchy.hbm_counters().hits.count();
  for (const Tier& tier : view.hierarchy.tiers()) e.hits += tier.counters.hits.count();
  return e;
}

std::int64_t tokens(const Misses& misses, MissCause cause) {
  std::int64_t sum = 0;
  for (const MissRow& row : misses.rows) sum += row.cause == cause ? row.tokens.count() : 0;
  return sum;
}

using Causes = std::map<std::string, std::int64_t>;

/// The causes of a trace's misses on a machine with HBM for eight blocks of 16 tokens.
Causes causes(const std::string& lines, std::string_view serving = "",
              std::string_view tiers = "") {
  const TraceFile trace(lines);
  const Misses misses =
      explained(parse(kTinyModel + kMachine +
                      fmt::format("serving:\n{}  engine:\n    block_size: 16\n    num_gpu_blocks: "
                                  "9\n  cost: {{backend: constant, per_step: 1 ms}}\n{}workload:\n"
                                  "  trace: {{path: {}}}\n",
                                  serving, tiers, trace.path())))
          .misses;
  Causes all;
  for (const MissRow& row : misses.rows) {
    all[std::string(name_of(row.cause)) + (row.where.empty() ? "" : " " + row.where)] =
        row.tokens.count();
  }
  return all;
}

constexpr std::int64_t kSecond = 1'000'000'000'000;

/// Three blocks and two tokens; a text that fills HBM; the first again.
std::string there_and_back() {
  return trace_line(0, {{1, 50}}, 1) + trace_line(kSecond, {{2, 113}}, 1) +
         trace_line(2 * kSecond, {{1, 50}}, 1);
}

TEST(MissesOfARun, WhatHbmEvictsIsMissed) {
  EXPECT_EQ(causes(there_and_back()),
            (Causes{{"never_seen", 160}, {"evicted hbm", 48}, {"partial_block hbm", 5}}));
}

TEST(MissesOfARun, WhatATierKeepsIsNot) {
  EXPECT_EQ(causes(there_and_back(), "", "tiers: [{name: dram, capacity: 1 GiB}]\n"),
            (Causes{{"never_seen", 160}, {"partial_block hbm", 5}}));
}

TEST(MissesOfARun, WhatTheTierEvictsIsMissedThere) {
  EXPECT_EQ(causes(there_and_back(), "", "tiers: [{name: dram, capacity: 29 KiB}]\n"),
            (Causes{{"never_seen", 160}, {"evicted dram", 48}, {"partial_block hbm", 5}}));
}

TEST(MissesOfARun, ATierThatTakesNothingDeclines) {
  EXPECT_EQ(
      causes(there_and_back(), "", "tiers: [{name: dram, capacity: 1 GiB, admission: never}]\n"),
      (Causes{{"never_seen", 160}, {"admission_rule dram", 48}, {"partial_block hbm", 5}}));
  EXPECT_EQ(
      causes(there_and_back(), "", "tiers: [{name: dram, capacity: 1 GiB, write: selective}]\n"),
      (Causes{{"never_seen", 160}, {"below_uses dram", 48}, {"partial_block hbm", 5}}));
}

TEST(MissesOfARun, ATierOfLongBlocksTakesWholeOnesOnly) {
  EXPECT_EQ(
      causes(there_and_back(), "", "tiers: [{name: dram, capacity: 1 GiB, block_size: 64}]\n"),
      (Causes{{"never_seen", 160}, {"partial_block dram", 48}, {"partial_block hbm", 5}}));
}

TEST(MissesOfARun, ADisabledTierIsNone) {
  EXPECT_EQ(causes(there_and_back(), "",
                   "tiers: [{name: none, capacity: 0 B}, {name: dram, capacity: 29 KiB}]\n"),
            (Causes{{"never_seen", 160}, {"evicted dram", 48}, {"partial_block hbm", 5}}));
}

TEST(MissesOfARun, TheLastBlockIsComputed) {
  EXPECT_EQ(causes(trace_line(0, {{1, 48}}, 1) + trace_line(kSecond, {{1, 48}}, 1)),
            (Causes{{"never_seen", 32}, {"last_token", 32}}));
}

TEST(MissesOfARun, AnotherReplicaHasIt) {
  EXPECT_EQ(causes(trace_line(0, {{1, 50}}, 1) + trace_line(kSecond, {{1, 50}}, 1),
                   "  replicas: 2\n  router: round_robin\n"),
            (Causes{{"never_seen", 48}, {"other_replica hbm", 48}, {"partial_block hbm", 4}}));
}

TEST(MissesOfARun, NothingIsKeptWithoutCaching) {
  const TraceFile trace(there_and_back());
  const Misses misses =
      explained(parse(kTinyModel + kMachine +
                      fmt::format("serving: {{engine: {{enable_prefix_caching: false}}}}\nworkload:"
                                  " {{trace: {{path: {}}}}}\n",
                                  trace.path())))
          .misses;
  EXPECT_EQ(tokens(misses, MissCause::no_caching), 208);
  EXPECT_EQ(misses.missed, Tokens{213});
}

/// A run that records its misses is the same run, and they add up to what HBM and tiers missed.
TEST(MissesOfARun, RecordingThemChangesNothingAndTheyAddUp) {
  check_scenarios(20260727, 60, [](const RandomScenario& random) {
    const Scenario scenario = parse(random.yaml());
    Scenario recording = scenario;
    recording.output.misses = true;
    const Result plain = testing::run(scenario);
    const Result recorded = testing::run(recording);
    RC_ASSERT(plain.requests == recorded.requests);
    RC_ASSERT(plain.end == recorded.end && plain.links == recorded.links);

    const Explained e = explained(scenario);
    std::int64_t sum = 0;
    for (const MissRow& row : e.misses.rows) {
      sum += row.tokens.count();
      RC_ASSERT(row.requests > 0 && row.requests <= row.tokens.count());
      RC_ASSERT(row.idle.empty() == (row.cause != MissCause::evicted));
      RC_ASSERT(row.idle.count() == row.away.count() && row.idle.sum() <= row.away.sum());
    }
    RC_ASSERT(sum == e.lookups - e.hits);
    RC_ASSERT(e.misses.missed.count() == sum);
  });
}

/// With room for everything, one replica misses only what is new and what no cache could serve.
TEST(MissesOfARun, WithRoomForEverythingNothingIsLost) {
  check_scenarios(20260728, 30, [](const RandomScenario& random) {
    const Explained e = explained(
        parse(random.head + "serving: {engine: {num_gpu_blocks: 200000}}\n" + random.workload));
    for (const MissRow& row : e.misses.rows) {
      RC_ASSERT(row.cause == MissCause::never_seen || row.cause == MissCause::last_token ||
                row.cause == MissCause::partial_block);
    }
  });
}

TEST(MissesOfARunSlow, AddUpOnARecordedTrace) {
  const char* folder = std::getenv("TERRACE_DATA");
  if (folder == nullptr) GTEST_SKIP() << "TERRACE_DATA does not name the folder with traces/";
  const std::string path = std::string(folder) + "/traces/mooncake_conversation.jsonl";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "there is no " << path;
  Overrides overrides;
  overrides.trace = path;
  const Scenario scenario = load_scenario(TERRACE_SOURCE_DIR "/workloads/mooncake-trace.yaml",
                                          config::Catalogue({TERRACE_SOURCE_DIR}), overrides)
                                .scenario;
  const Explained e = explained(scenario);
  std::int64_t sum = 0;
  for (const MissRow& row : e.misses.rows) sum += row.tokens.count();
  EXPECT_EQ(sum, e.lookups - e.hits);
  EXPECT_EQ(e.lookups, 144'793'823);  // prompt tokens of the trace
  EXPECT_GT(tokens(e.misses, MissCause::evicted), 0);
  // Distinct full 16-token blocks of the trace are computed once before they can be missed
  // otherwise.
  EXPECT_GT(tokens(e.misses, MissCause::never_seen), e.lookups / 2);
}

}  // namespace
}  // namespace terrace
