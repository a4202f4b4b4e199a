// The shipped scenarios make claims in their first lines. Here they have to keep them.

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/app/program.hpp"

namespace terrace {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::Outcome;
using testing::Workplace;

/// The summary of a shipped scenario with these values laid over it.
json summary_of(const std::string& scenario, const std::vector<std::string>& sets = {}) {
  const Workplace place;
  std::vector<std::string> words;
  for (const std::string& set : sets) words.insert(words.end(), {"--set", set});
  const Outcome outcome = place.terrace("run " + scenario + " --json", words);
  EXPECT_EQ(outcome.status, 0) << scenario << ": " << outcome.err;
  return json::parse(outcome.out);
}

double mean_ttft(const json& summary) { return summary.at("mean_ttft_ms").get<double>(); }

std::string state(const json& summary) {
  return summary.at("verdict").at("state").get<std::string>();
}

TEST(ShippedScenariosSlow, QuickstartKeepsUpOnlyWithBothTiers) {
  const json both = summary_of("quickstart");
  const json dram = summary_of("quickstart", {"tiers[1].capacity=0"});
  const json none = summary_of("quickstart", {"tiers=[]"});
  EXPECT_EQ(state(both), "stable");
  EXPECT_EQ(state(dram), "overloaded");
  EXPECT_EQ(state(none), "overloaded");
  EXPECT_LT(10 * mean_ttft(both), mean_ttft(dram));
  EXPECT_LT(mean_ttft(dram), mean_ttft(none));
}

TEST(ShippedScenariosSlow, SmallMachineRunsOnAProfileOfTwoCores) {
  const auto with = [](const std::string& tiers) {
    const Workplace place;
    std::vector<std::string> words = {
        "--hw", TERRACE_SOURCE_DIR "/reports/calibration/results/two-vcpus.yaml"};
    if (!tiers.empty()) words.insert(words.end(), {"--set", "tiers=" + tiers});
    const Outcome outcome = place.terrace("run small-machine --json", words);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return json::parse(outcome.out);
  };
  const json both = with("");
  EXPECT_EQ(state(both), "stable");
  EXPECT_GT(mean_ttft(with("[]")), 3 * mean_ttft(both));
  const json memory = with("[{name: memory, medium: dram, capacity: 2 GiB}]");
  EXPECT_EQ(state(memory), "stable");
}

TEST(ShippedScenariosSlow, PrefetchAlongTheQueuePaysBestEffortDoesNot) {
  const auto with = [](const std::string& rule) {
    return mean_ttft(summary_of("prefetch-nvme", {"tiers[1].prefetch=" + rule}));
  };
  const double none = with("none");
  EXPECT_LT(mean_ttft(summary_of("prefetch-nvme")), 0.97 * none);
  EXPECT_GT(with("on_arrival"), 1.5 * none);
  EXPECT_NEAR(with("{policy: on_arrival, stop: wait_complete}"), none, 0.1 * none);
  EXPECT_GT(with("next_turn"), none);
}

TEST(ShippedScenariosSlow, MM1AgreesWithItsFormula) {
  EXPECT_NEAR(mean_ttft(summary_of("m-m-1")), 200, 4);
  EXPECT_NEAR(mean_ttft(summary_of("m-m-1", {"workload.clients[0].arrivals.rate=8 /s"})), 500, 25);
}

TEST(ShippedScenariosSlow, WithoutPrefixCachingEveryTurnPaysForAllBeforeIt) {
  const json off = summary_of("kv-cache-off");
  const json on = summary_of("kv-cache-off", {"serving.engine.enable_prefix_caching=true"});
  EXPECT_EQ(state(off), "overloaded");
  EXPECT_EQ(state(on), "stable");
  EXPECT_LT(10 * mean_ttft(on), mean_ttft(off));
}

TEST(ShippedScenariosSlow, MoreDramKeepsUp) {
  const json none = summary_of("offload-dram", {"tiers[0].capacity=0"});
  const json some = summary_of("offload-dram");
  const json more = summary_of("offload-dram", {"tiers[0].capacity=256 GiB"});
  EXPECT_EQ(state(some), "overloaded");
  EXPECT_EQ(state(more), "stable");
  EXPECT_LT(mean_ttft(some), mean_ttft(none));
}

TEST(ShippedScenariosSlow, WritingOnEvictionWritesLessAtAWorseTime) {
  const json through = summary_of("offload-nvme");
  const json on_evict = summary_of("offload-nvme", {"tiers[0].write=back"});
  const json four = summary_of("offload-nvme", {"hardware.drives_per_host=4"});
  const json none = summary_of("offload-nvme", {"tiers=[]"});
  const auto written = [](const json& s) {
    return s.at("tiers").at(1).at("written_bytes").get<double>();
  };
  EXPECT_LT(written(on_evict), written(through));
  EXPECT_LT(mean_ttft(through), mean_ttft(on_evict));
  EXPECT_LT(mean_ttft(four), mean_ttft(through));
  EXPECT_EQ(state(none), "overloaded");
}

TEST(ShippedScenariosSlow, ASecondDocumentIsRarelyFoundAgain) {
  const auto reused = [](const json& summary) {
    double hits = 0;
    for (const json& tier : summary.at("tiers")) hits += tier.at("hit_tokens").get<double>();
    return hits / summary.at("total_input_tokens").get<double>();
  };
  const json two = summary_of("long-context-rag");
  const json one =
      summary_of("long-context-rag", {"workload.clients[0].content.documents_per_request=1"});
  EXPECT_GT(reused(one), 0.5);
  EXPECT_LT(reused(two), 0.45) << "half of a prompt is its second document";
}

TEST(ShippedScenariosSlow, ARouterThatKnowsPrefixesServesMoreWithinTheSlo) {
  const auto good = [](const std::string& router) {
    return summary_of("multi-replica-routing", {"serving.router=" + router}).at("good").get<int>();
  };
  const int aware = good("prefix_aware");
  EXPECT_GT(aware, good("round_robin"));
  EXPECT_GT(aware, good("least_loaded"));
}

TEST(ShippedScenariosSlow, ChatAndAgentsMeetTheirSlosThanksToTheTiers) {
  const auto good = [](const json& summary) { return summary.at("good").get<int>(); };
  EXPECT_GT(good(summary_of("chat-agents")), 4950);
  EXPECT_LT(good(summary_of("chat-agents", {"tiers=[]"})), 4250);
}

void expect_shipped_schema(const std::string& what, const std::string& path) {
  const Workplace place;
  const Outcome outcome = place.terrace("schema " + what);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  std::ifstream file(std::string(TERRACE_SOURCE_DIR) + "/" + path);
  const std::string shipped{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(shipped, outcome.out) << "terrace schema " << what << " > " << path;
}

TEST(ShippedScenarios, TheSchemaThatEditorsReadIsTheOneOfThisProgram) {
  expect_shipped_schema("scenario", "workloads/scenario.schema.json");
}

TEST(ShippedPlans, AreListedAndTheirSchemaIsTheOneOfThisProgram) {
  expect_shipped_schema("plan", "workloads/plans/plan.schema.json");
  const Workplace place;
  EXPECT_THAT(place.terrace("list plans").out, HasSubstr("chat-purchase  Three kinds of node"));
}

}  // namespace
}  // namespace terrace
