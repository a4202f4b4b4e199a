// From a sweep file to the list of runs: which, in which order, under which names.

#include "sim/study/sweep/plan.hpp"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/config/diagnostics.hpp"
#include "sim/study/identity.hpp"
#include "sim/study/sweep/sweep.hpp"

namespace terrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

SweepPlan plan_of(const std::string& text, const SweepOverrides& overrides = {}) {
  return parse_sweep("sweep.yaml", text, config::Catalogue({TERRACE_SOURCE_DIR}), overrides);
}

std::vector<std::string> names(const SweepPlan& plan) {
  std::vector<std::string> all;
  for (const Arm& arm : plan.arms) all.push_back(plan.name_of(arm));
  return all;
}

std::string complaint(const std::string& text, const SweepOverrides& overrides = {}) {
  try {
    static_cast<void>(plan_of(text, overrides));
  } catch (const config::ConfigError& e) {
    return e.what();
  } catch (const NoSuchArm& e) {
    return e.what();
  }
  return "none";
}

constexpr const char* kTwoAxes = R"(scenario: quickstart
axes:
  - {key: "tiers[0].capacity", values: 16GiB..32GiB x2}
  - zip:
      - {key: serving.replicas, values: [1, 2, 4]}
      - {key: "workload.clients[0].arrivals.rate", values: [1 /s, 2 /s, 4 /s]}
repeat: {seeds: 2}
)";

TEST(SweepPlan, TheFirstAxisIsTheOutermostAndZippedKeysMoveTogether) {
  const SweepPlan plan = plan_of(kTwoAxes);
  EXPECT_THAT(names(plan), ElementsAre("capacity=16 GiB, replicas=1, rate=1 /s",
                                       "capacity=16 GiB, replicas=2, rate=2 /s",
                                       "capacity=16 GiB, replicas=4, rate=4 /s",
                                       "capacity=32 GiB, replicas=1, rate=1 /s",
                                       "capacity=32 GiB, replicas=2, rate=2 /s",
                                       "capacity=32 GiB, replicas=4, rate=4 /s"));
  ASSERT_EQ(plan.runs(), 12U);
  const Scenario ninth = plan.scenario_of(9);  // arm 4, second seed
  EXPECT_EQ(ninth.seed, 1);
  EXPECT_EQ(ninth.serving.replicas, 2);
  EXPECT_EQ(ninth.tiers[0].capacity.bytes.count(), std::int64_t{32} << 30U);
  EXPECT_EQ(ninth.workload.synthetic.clients[0].arrivals.rate.count(), 2);
}

TEST(SweepPlan, OneOfTheKeysThatMoveTogetherMayRepeatAValue) {
  const SweepPlan plan = plan_of(R"(scenario: quickstart
axes:
  - zip:
      - {key: "tiers[0].write", values: [through, through, back]}
      - {key: "tiers[0].admission", values: [always, second_touch, always]}
)");
  EXPECT_THAT(names(plan),
              ElementsAre("write=through, admission=always",
                          "write=through, admission=second_touch", "write=back, admission=always"));
}

TEST(SweepPlan, EveryArmGetsTheSameSeeds) {
  EXPECT_THAT(plan_of(kTwoAxes).seeds, ElementsAre(0, 1));
  const std::string axes =
      "scenario: quickstart\naxes: [{key: serving.replicas, values: [1, 2]}]\n";
  EXPECT_THAT(plan_of(axes + "repeat: {seeds: [7, -3]}\n").seeds, ElementsAre(7, -3));
  EXPECT_THAT(plan_of(axes).seeds, ElementsAre(0)) << "one, the scenario's";
}

TEST(SweepPlan, ColumnsAreNamedShortlyAndCarryUnits) {
  const SweepPlan plan = plan_of(R"(scenario: quickstart
axes:
  - {key: "tiers[0].capacity", values: [0, 1 GiB]}
  - {key: "tiers[1].capacity", values: [1 GB, unlimited]}
  - {key: output.timeseries_interval, values: [500 ms, 2 s]}
)");
  EXPECT_EQ(plan.columns[0].name, "dram.capacity");
  EXPECT_EQ(plan.columns[2].name, "timeseries_interval");
  EXPECT_EQ(plan.columns[0].heading, "tiers[0].capacity_bytes");
  EXPECT_THAT(plan.columns[0].cells, ElementsAre("0", "1073741824"));
  EXPECT_EQ(plan.columns[1].heading, "tiers[1].capacity") << "unlimited is no number of bytes";
  EXPECT_EQ(plan.columns[2].heading, "output.timeseries_interval_s");
  EXPECT_THAT(plan.columns[2].cells, ElementsAre("0.5", "2"));
}

TEST(SweepPlan, AValueMayBeAMappingAndReplacesWhatWasThere) {
  const SweepPlan plan = plan_of(R"(scenario: quickstart
axes:
  - key: "workload.clients[0].prompt"
    values:
      - {distribution: constant, value: 100}
      - {distribution: uniform, min: 1, max: 9}
)");
  EXPECT_THAT(names(plan), ElementsAre("prompt={distribution: constant, value: 100}",
                                       "prompt={distribution: uniform, min: 1, max: 9}"));
}

TEST(SweepPlan, SettingsApplyToEveryRunAndTheCommandLineHasTheLastWord) {
  const std::string text =
      "scenario: quickstart\nset: {serving.replicas: 2, workload.max_requests: 9}\n"
      "axes: [{key: \"tiers[0].capacity\", values: [0, 1 GiB]}]\n";
  SweepOverrides overrides;
  overrides.sets = {"serving.replicas=4"};
  for (const Arm& arm : plan_of(text, overrides).arms) {
    EXPECT_EQ(arm.scenario.serving.replicas, 4);
    EXPECT_EQ(arm.scenario.workload.synthetic.max_requests, 9);
  }
  overrides.sets = {"tiers=[]"};
  EXPECT_THAT(complaint(text, overrides), HasSubstr("there is no element [0] to set"));
  overrides.sets = {"tiers[0].capacity=1 GiB"};
  EXPECT_THAT(complaint(text, overrides), HasSubstr("'tiers[0].capacity' is already set"));
}

TEST(SweepPlan, FiltersOfOneKeyAddAndOfSeveralRestrict) {
  SweepOverrides overrides;
  overrides.filters = {"serving.replicas=1", "replicas=4", "tiers[0].capacity=32GiB"};
  EXPECT_THAT(names(plan_of(kTwoAxes, overrides)),
              ElementsAre("capacity=32 GiB, replicas=1, rate=1 /s",
                          "capacity=32 GiB, replicas=4, rate=4 /s"));
  overrides.filters = {"serving.replica=1"};
  EXPECT_THAT(complaint(kTwoAxes, overrides), HasSubstr("did you mean 'serving.replicas'?"));
  overrides.filters = {"replicas=3"};
  EXPECT_THAT(complaint(kTwoAxes, overrides), HasSubstr("expected one of: 1, 2, 4"));
  overrides.filters = {"replicas=1", "rate=2 /s"};
  EXPECT_THAT(complaint(kTwoAxes, overrides), HasSubstr("passes"));
}

TEST(SweepPlan, AnArmIsFoundByItsValues) {
  const SweepPlan plan = plan_of(kTwoAxes);
  EXPECT_EQ(find_arm(plan, "capacity=32GiB,replicas=1"), 3U);
  EXPECT_EQ(find_arm(plan, "tiers[0].capacity=16 GiB, rate=4 /s"), 2U);
  const auto why = [&](const std::string& text) -> std::string {
    try {
      static_cast<void>(find_arm(plan, text));
    } catch (const NoSuchArm& e) {
      return e.what();
    }
    return "none";
  };
  EXPECT_THAT(why("replicas=1"), HasSubstr("2 arms fit"));
  EXPECT_THAT(why("replicas=3"), HasSubstr("it has: 1, 2, 4"));
  EXPECT_THAT(why("replicas=1,rate=2 /s"), HasSubstr("no combination"));
  EXPECT_THAT(why("tiers[0].capcity=1"), HasSubstr("did you mean 'tiers[0].capacity'"));
}

TEST(SweepPlan, AMistakeIsReportedOnceHoweverManyArmsItIsIn) {
  const std::string message = complaint(R"(scenario: quickstart
axes:
  - {key: "tiers[0].write", values: [through, on_evct]}
  - {key: "tiers[0].capacity", values: 1GiB..50GiB +1GiB}
repeat: {seeds: 9}
)");
  const auto first = message.find("no write rule");
  ASSERT_NE(first, std::string::npos) << message;
  EXPECT_EQ(message.find("no write rule", first + 1), std::string::npos);
}

TEST(SweepPlan, WhatOnlyACombinationMakesIsReportedWithIt) {
  const std::string message = complaint(R"(scenario: quickstart
axes:
  - {key: "tiers[0].capacity", values: [1 GiB, 600 GiB]}
  - {key: "tiers[1].medium", values: [nvme, dram]}
)");
  EXPECT_THAT(message, HasSubstr("sweep.yaml:4:45: error: the DRAM tiers take"));
  EXPECT_THAT(message, HasSubstr("(with tiers[0].capacity=600 GiB, tiers[1].medium=dram)"));
}

TEST(SweepPlan, AMistakeThatOneValueCausesElsewhereIsReportedAtThatValue) {
  EXPECT_THAT(complaint(R"(scenario: quickstart
axes:
  - {key: serving.replicas, values: [1, 2]}
  - {key: "tiers[0].capacity", values: [1 GiB, 100 TiB]}
)"),
              HasSubstr("sweep.yaml:4:48: error: the DRAM tiers take"));
}

TEST(SweepPlan, TwoNamesOfOneScenarioAreNotTwoArms) {
  EXPECT_THAT(complaint(R"(scenario: quickstart
axes: [{key: "tiers[0].capacity", values: [1 GiB, 1024 MiB]}]
)"),
              HasSubstr("sweep.yaml:2:51: error: '1024 MiB' gives the same scenario as '1 GiB'"));
}

TEST(SweepPlan, CountlessRunsAreRefusedBeforeTheyAreCounted) {
  std::string text = "scenario: quickstart\naxes:\n";
  for (int i = 0; i < 20; ++i) {
    text += "  - {key: k" + std::to_string(i) + ", values: 1..9999 +1}\n";
  }
  EXPECT_THAT(complaint(text), HasSubstr("sweep.yaml:3:3: error: these axes make countless runs"));
}

}  // namespace
}  // namespace terrace
