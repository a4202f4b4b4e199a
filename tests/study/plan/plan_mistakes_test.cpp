// Every mistake in a plan is told once, at its place, with what to do.

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/study/plan/plans.hpp"

namespace terrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using tests::complaint;
using tests::kPlan;
using tests::plan_with;

std::size_t times(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

struct Mistake {
  std::string was;  // of kPlan
  std::string is;
  std::string place;
  std::string message;
  std::string hint;
};

// NOLINTNEXTLINE(readability-identifier-naming): the name is googletest's
void PrintTo(const Mistake& mistake, std::ostream* out) { *out << mistake.is; }

class PlanMistake : public ::testing::TestWithParam<Mistake> {};

TEST_P(PlanMistake, IsToldOnceAtItsPlaceWithWhatToDo) {
  const Mistake& mistake = GetParam();
  const std::string said = complaint(plan_with(mistake.was, mistake.is));
  EXPECT_THAT(said, AllOf(HasSubstr("plan.yaml:" + mistake.place + ": error: " + mistake.message),
                          HasSubstr(mistake.hint)));
  EXPECT_EQ(times(said, "error: "), 1U) << said;
}

const Mistake kMistakes[] = {
    {"chat-agents", "chat-agent", "1:11", "there is no such scenario",
     "did you mean 'chat-agents'?"},
    {"load: 2", "loads: 2", "2:10", "unknown key 'loads' in 'demand'", "did you mean 'load'?"},
    {"load: 2", "load: 0", "2:16", "'load' must be greater than 0", ""},
    {"mean_load: 0.5", "mean_load: 1.5", "2:61", "'mean_load' must be between 0 and 1", ""},
    {"growth: 0.5", "growth: -0.5", "2:27", "'growth' must be between 0 and 10", ""},
    {"growth: 0.5, ", "", "2:28", "'horizon' has no effect without 'growth'", "growth: 0.3"},
    {"horizon: 2 years, ", "", "2:27", "'growth' has no effect without a 'horizon'", "horizon: 2"},
    {"growth: 0.5", "growth: 0.5, slo: [ttft_q99=2s]", "2:38", "'ttft_q99=2s' is no SLO",
     "did you mean 'ttft_p99'?"},
    {"growth: 0.5", "growth: 0.5, slo: [ttft=2s, boss.ttft=1s]", "2:47",
     "no client is called 'boss'", ""},
    {"growth: 0.5", "growth: 0.5, slo: [ttft_p99=2s, ttft=3s]", "2:51", "ttft_p99 is bounded twice",
     ""},
    {"growth: 0.5", "growth: 0.5, slo: [ttft_p99=2s, ttft_p50=3s]", "2:51",
     "ttft_p50=3 s says nothing", "at least as strict"},
    {"h200-sxm", "h200", "5:10", "no file of hwprofiles/gpus is called 'h200'", "h200-"},
    {"dual-xeon-ddr5-2tib", "dual-xeon", "6:11", "no file of hwprofiles/hosts is called", ""},
    {"gpus: 8", "gpus: 0", "7:11", "'gpus' must be between 1 and 1024", ""},
    {"tensor_parallel: [2, 4]", "tensor_parallel: [2, 3]", "8:26",
     "8 GPUs do not make whole replicas of 3", "tensor_parallel may be 1, 2, 4, 8"},
    {"tensor_parallel: [2, 4]", "tensor_parallel: [2, 2]", "8:26", "2 is repeated", "remove one"},
    {"[512 GiB, 1 TiB]", "[512 GiB, 512 GiB]", "9:21", "512 GiB is repeated", "remove one"},
    {"[512 GiB, 1 TiB]", "[512, 1 TiB]", "9:12", "'dram[0]' must be a size with its unit", ""},
    {"[512 GiB, 1 TiB]", "[1 MiB, 1 TiB]", "9:12", "tier 'dram' holds 838860 bytes, but one of",
     "(big, TP 2, 1 MiB)"},
    {"kioxia-cd9p-r", "kioxia-cd9p", "11:15", "no file of hwprofiles/ssds is called 'kioxia-cd9p'",
     "did you mean 'kioxia-cd9p-r'?"},
    {"7.68 TB, ", "7 TB, ", "11:43", "there is no Kioxia CD9P-R of 7 TB",
     "the nearest has 7.68 TB"},
    {"counts: [0, 4]", "counts: [0, -4]", "11:75", "'counts[1]' must be between 0 and 1024", ""},
    {"counts: [0, 4]", "counts: [0]", "11:71", "no node would have any kioxia-cd9p-r",
     "leave this option out"},
    {"counts: [0, 4]", "counts: []", "11:71", "no node would have any kioxia-cd9p-r",
     "counts: [0, 4]"},
    {"[7.68 TB, 15.36 TB], counts: [0, 4]", "[7.68 TB], counts: [4, 4]", "11:65",
     "4 x Kioxia CD9P-R 7.68 TB is repeated", "remove one"},
    {"kioxia-cd9p-r, capacities: [7.68 TB, 15.36 TB]", "intel-p5800x", "11:15",
     "the catalogue has no price for Intel P5800X", "price: {low: "},
    {"dual-xeon-ddr5-2tib", "grace-gh200-480gb", "6:11", "the catalogue has no price for the DRAM",
     "dram_price: {low: "},
    {"typical: 80000 USD", "typical: 0 USD", "12:40", "'typical' must be greater than 0", ""},
    {"typical: 80000 USD", "typical: -1 USD", "12:40", "'typical' must be a price", "is negative"},
    {"typical: 80000 USD", "typical: 5 USD", "12:40", "'typical' must lie between", ""},
    {"  - gpu: l40s", "  - name: big\n    gpu: l40s", "13:11", "two machines are called 'big'",
     "'name' of its own"},
    {"spare_nodes: 1", "spare_nodes: -1", "18:23", "'spare_nodes' must be at least 0", ""},
    {"spare_nodes: 1", "budget: 0 USD", "18:18", "'budget' must be greater than 0", ""},
    {"demand:", "set: {serving.replicas: 3}\ndemand:", "2:7",
     "the machines decide on 'serving.replicas'", "remove it"},
    {"demand:", "set: {hardware.gpu.memory: 90 GiB}\ndemand:", "2:7",
     "the machines decide on 'hardware.gpu'", "remove it"},
    {"demand:", "set: {serving: {replicas: 3}}\ndemand:", "2:7",
     "'serving' holds 'serving.tensor_parallel', on which the machines decide", "one by one"},
    {"demand:", "set: {'tiers[0].capacity': 3 GiB}\ndemand:", "2:7",
     "the machines decide on the capacity of tier 'dram'", "and shares.dram"},
    {"demand:", "set: {'tiers[0].capacity': 0}\ndemand:", "10:11",
     "more DRAM makes no difference: the scenario has no tier in DRAM", "leave one size"},
    {"demand:", "set: {'tiers[1].capacity': 0}\ndemand:", "12:9",
     "drives make no difference: the scenario has no tier on NVMe", "leave the drives out"},
    {"demand:", "set: {serving.engine.block_sise: 32}\ndemand:", "2:7", "unknown key 'block_sise'",
     "did you mean 'block_size'?"},
};

INSTANTIATE_TEST_SUITE_P(All, PlanMistake, ::testing::ValuesIn(kMistakes));

TEST(PlanMistakes, AreAllToldAtOnce) {
  std::string text = plan_with("h200-sxm", "h200");
  text.replace(text.find("l40s"), 4, "l40");
  const std::string said = complaint(text);
  EXPECT_THAT(said, AllOf(HasSubstr("plan.yaml:5:10"), HasSubstr("plan.yaml:13:10")));
}

TEST(PlanMistakes, AMachineIsWantedAtLeast) {
  EXPECT_THAT(complaint("scenario: chat-agents\nmachines: []\n"),
              HasSubstr("plan.yaml:2:11: error: a plan needs a machine at least"));
  EXPECT_THAT(complaint("scenario: chat-agents\n"), HasSubstr("lacks the key 'machines'"));
}

TEST(PlanMistakes, SomebodyHasToSayHowSoonAnswersMustCome) {
  EXPECT_THAT(complaint("scenario: m-m-1\nmachines:\n  - {gpu: h100-sxm, host: "
                        "dual-xeon-ddr5-2tib, gpus: 1}\n"),
              AllOf(HasSubstr("plan.yaml:1:1: error: nothing says how soon answers must come"),
                    HasSubstr("demand: {slo: [ttft_p99=2s")));
}

TEST(PlanMistakes, AValueIsToBlameThatIsWrongWithAllOthers) {
  // 64 heads cannot be shared by 6 GPUs, whatever the DRAM and the drives.
  std::string text = plan_with("gpus: 8", "gpus: 12");
  text.replace(text.find("[2, 4]"), 6, "[2, 6]");
  const std::string said = complaint(text);
  EXPECT_THAT(said, HasSubstr("plan.yaml:8:26: error: the 64 attention heads of"));
  EXPECT_EQ(times(said, "error: "), 1U) << said;
}

TEST(PlanMistakes, WhatEveryCandidateGetsWrongIsTheMachines) {
  std::string text = plan_with("gpus: 8", "gpus: 12");
  text.replace(text.find("[2, 4]"), 6, "[6]");
  const std::string said = complaint(text);
  EXPECT_THAT(said, HasSubstr("plan.yaml:4:5: error: the 64 attention heads of"));
  EXPECT_EQ(times(said, "error: "), 1U) << said;
}

/// The shipped profile without a key, in a file of its own.
std::string gpu_without(const std::string& key) {
  std::ifstream shipped(TERRACE_SOURCE_DIR "/hwprofiles/gpus/h200-sxm.yaml");
  const auto path = std::filesystem::path(::testing::TempDir()) / ("gpu_without_" + key + ".yaml");
  std::ofstream mine(path);
  bool skipping = false;
  for (std::string line; std::getline(shipped, line);) {
    if (!line.starts_with(" ")) skipping = line.starts_with(key + ":");
    if (line == "sources:") break;
    if (!skipping) mine << line << '\n';
  }
  return path.string();
}

TEST(PlanMistakes, AGpuNeedsAPriceAndAPower) {
  EXPECT_THAT(complaint(plan_with("h200-sxm", gpu_without("price"))),
              AllOf(HasSubstr("plan.yaml:5:10: error: the catalogue has no price for H200 SXM"),
                    HasSubstr("gpu_price: {low: ")));
  EXPECT_THAT(
      complaint(plan_with("h200-sxm", gpu_without("power"))),
      HasSubstr("plan.yaml:5:10: error: the profile of H200 SXM does not say what it draws"));
}

TEST(PlanMistakes, StagesOfAPipelineAreGpusOfAReplica) {
  EXPECT_THAT(complaint(plan_with("demand:", "set: {serving.pipeline_parallel: 3}\ndemand:")),
              HasSubstr("plan.yaml:9:23: error: 8 GPUs do not make whole replicas of 6"));
}

TEST(PlanMistakes, TooManyCandidatesAreRefused) {
  PlanOverrides overrides;
  overrides.most_candidates = 12;
  EXPECT_THAT(complaint(kPlan, overrides),
              AllOf(HasSubstr("plan.yaml:4:3: error: these machines make 13 candidates, more than "
                              "12"),
                    HasSubstr("--max-candidates 13")));
}

TEST(PlanMistakes, OnTheCommandLineAreToldThere) {
  PlanOverrides overrides;
  overrides.sets = {"machines[0].gpu=h300"};
  EXPECT_THAT(complaint(kPlan, overrides), HasSubstr("--set machines[0].gpu=h300"));
}

TEST(PlanMistakes, TiersThatShareAMediumNeedProportions) {
  EXPECT_THAT(complaint(plan_with("demand:", R"(set:
  tiers:
    - {name: a, medium: dram, capacity: unlimited}
    - {name: b, medium: dram, capacity: 1 GiB}
    - {name: nvme, medium: nvme, capacity: 1 TB}
demand:)")),
              HasSubstr("plan.yaml:1:11: error: 2 tiers share dram, one of them without limit"));
}

}  // namespace
}  // namespace terrace
