// From a plan file to candidates: which, in which order, on which hardware, at which prices.

#include "sim/study/plan/plan.hpp"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/study/identity.hpp"
#include "tests/study/plan/plans.hpp"

namespace terrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using tests::kPlan;
using tests::plan_of;
using tests::plan_with;

std::vector<std::string> names(const Plan& plan) {
  std::vector<std::string> all;
  for (const Candidate& candidate : plan.candidates) all.push_back(candidate.name);
  return all;
}

TEST(Plan, HasEveryCombinationOfAMachinesListsTheDrivesFastest) {
  EXPECT_THAT(names(plan_of()),
              ElementsAre("big, TP 2, 512 GiB",  //
                          "big, TP 2, 512 GiB, 4 x Kioxia CD9P-R 7.68 TB",
                          "big, TP 2, 512 GiB, 4 x Kioxia CD9P-R 15.36 TB",  //
                          "big, TP 2, 1 TiB",                                //
                          "big, TP 2, 1 TiB, 4 x Kioxia CD9P-R 7.68 TB",
                          "big, TP 2, 1 TiB, 4 x Kioxia CD9P-R 15.36 TB",
                          "big, TP 4, 512 GiB",  //
                          "big, TP 4, 512 GiB, 4 x Kioxia CD9P-R 7.68 TB",
                          "big, TP 4, 512 GiB, 4 x Kioxia CD9P-R 15.36 TB",
                          "big, TP 4, 1 TiB",  //
                          "big, TP 4, 1 TiB, 4 x Kioxia CD9P-R 7.68 TB",
                          "big, TP 4, 1 TiB, 4 x Kioxia CD9P-R 15.36 TB",  //
                          "4 x L40S, TP 4, 2 TiB"))
      << "no drives are one choice, and a machine may go by what it is";
}

TEST(Plan, LaysAMachineOverTheScenario) {
  const Plan plan = plan_of();
  const Candidate& candidate = plan.candidates[4];
  const HardwareSpec& hardware = candidate.scenario.hardware;
  EXPECT_EQ(hardware.gpu.name, "H200 SXM");
  ASSERT_TRUE(hardware.kernels.has_value()) << "those of the GPU's profile";
  EXPECT_EQ(hardware.kernels->gpu, "H200 SXM");
  EXPECT_EQ(hardware.host.dram, candidate.dram);
  EXPECT_EQ(hardware.ssd->capacity, Bytes{7'680'000'000'000});
  EXPECT_EQ(hardware.drives_per_host, 4);
  EXPECT_EQ(candidate.scenario.serving.tensor_parallel, 2);
  EXPECT_EQ(candidate.scenario.serving.replicas, 4);
  EXPECT_EQ(candidate.scenario.serving.replicas_per_host, 4);
  // 80 % of 1 TiB and 90 % of 4 x 7.68 TB
  EXPECT_EQ(candidate.scenario.tiers[0].capacity.bytes, Bytes{879'609'302'220});
  EXPECT_EQ(candidate.scenario.tiers[1].capacity.bytes, Bytes{27'648'000'000'000});
}

TEST(Plan, WithoutDrivesATierOnThemIsOff) {
  const Candidate bare = plan_of().candidates[3];
  EXPECT_FALSE(bare.scenario.hardware.ssd.has_value());
  EXPECT_FALSE(bare.scenario.tiers[1].enabled());
  EXPECT_TRUE(bare.scenario.tiers[0].enabled());
  EXPECT_FALSE(bare.prices.drive.has_value());
}

TEST(Plan, ACandidateGrowsByNodesAndTheLoadByItsFactor) {
  const Candidate candidate = plan_of().candidates[0];
  const Scenario three = candidate.on(3, 2.5);
  EXPECT_EQ(three.serving.replicas, 12);
  EXPECT_EQ(three.serving.replicas_per_host, 4);
  EXPECT_DOUBLE_EQ(three.workload.synthetic.clients[0].arrivals.rate.count(),
                   2.5 * candidate.scenario.workload.synthetic.clients[0].arrivals.rate.count());
  EXPECT_EQ(hash_of(resolved_yaml(candidate.on(1, 1))), hash_of(resolved_yaml(candidate.scenario)));
}

TEST(Plan, LoadGrowsByTheYear) {
  const Plan plan = plan_of();
  EXPECT_DOUBLE_EQ(plan.load_after(Years{0}), 2);
  EXPECT_DOUBLE_EQ(plan.load_after(Years{2}), 2 * 1.5 * 1.5);
}

TEST(Plan, BoundsAreThoseOfTheClientsUnlessItHasItsOwn) {
  const auto named = [](const Plan& plan) {
    std::vector<std::string> all;
    for (const SloBound& bound : plan.bounds) all.push_back(bound.name());
    return all;
  };
  EXPECT_THAT(named(plan_of()),
              ElementsAre("chat.ttft_p99", "chat.tpot_p99", "agents.ttft_p99", "agents.tpot_p99"));
  const Plan own = plan_of(
      plan_with("demand: {", "demand: {slo: ['ttft_p90=1s,tpot_mean=50ms', agents.e2e=1min], "));
  EXPECT_THAT(named(own), ElementsAre("ttft_p90", "tpot_mean", "agents.e2e_p99"));
}

TEST(Plan, TiersOfOneMediumShareItAsInTheScenario) {
  const Plan plan = plan_of(plan_with("demand:", R"(set:
  tiers:
    - {name: mine, medium: dram, capacity: 32 GiB, scope: private}
    - {name: ours, medium: dram, capacity: 384 GiB}
    - {name: nvme, medium: nvme, capacity: 1 TB}
demand:)"));
  // The scenario's host has four replicas: 128 GiB of 512 are private. TP 2 makes four again.
  const double dram = 0.8 * 512 * 0x1p30;
  const auto& tiers = plan.candidates[0].scenario.tiers;
  EXPECT_NEAR(static_cast<double>(tiers[0].capacity.bytes.count()), dram / 4 / 4, 1);
  EXPECT_NEAR(static_cast<double>(tiers[1].capacity.bytes.count()), dram * 3 / 4, 1);
  const auto& halves = plan.candidates[6].scenario.tiers;  // TP 4: two replicas
  EXPECT_NEAR(static_cast<double>(halves[0].capacity.bytes.count()), dram / 4 / 2, 1);
}

TEST(Plan, PricesComeFromTheFileOrElseTheCatalogueAndSaySo) {
  const Plan plan = plan_of(plan_with(
      "gpus: 8", "gpus: 8\n    gpu_price: {low: 1 USD, typical: 2 USD, high: 3 USD, as_of: 2026}"));
  const PartPrices& prices = plan.candidates[1].prices;
  EXPECT_EQ(prices.gpu.range.typical, Dollars{2});
  EXPECT_EQ(prices.gpu.source, "plan.yaml, 2026");
  EXPECT_EQ(prices.chassis.range.typical, Dollars{80000});
  EXPECT_EQ(prices.dram.product, "DDR5-4800 RDIMM");
  EXPECT_THAT(prices.dram.source, HasSubstr("measured: "));
  EXPECT_EQ(prices.drive->range.typical, DollarsPerTB{357});
  EXPECT_THAT(prices.drive->source, HasSubstr("measured: VDURA"));
  EXPECT_EQ(plan.candidates[12].prices.gpu.product, "L40S");
}

TEST(Plan, PricesDoNotChangeWhatIsSimulated) {
  const Plan cheap = plan_of(plan_with(
      "gpus: 8", "gpus: 8\n    gpu_price: {low: 1 USD, typical: 2 USD, high: 3 USD, as_of: 2026}"));
  EXPECT_EQ(resolved_yaml(cheap.candidates[1].scenario),
            resolved_yaml(plan_of().candidates[1].scenario));
}

TEST(Plan, AChassisWithoutAPriceIsAssumedAndSaysSo) {
  const Plan plan = plan_of(plan_with(
      "    chassis: {low: 60000 USD, typical: 80000 USD, high: 110000 USD, as_of: 2026-06}\n", ""));
  const auto& [product, range, source] = plan.candidates[0].prices.chassis;
  EXPECT_EQ(product, "H200 SXM") << "it is dear when the GPUs are";
  EXPECT_DOUBLE_EQ(range.typical.count(), 0.35 * 8 * 35000);
  EXPECT_EQ(source, "assumed: 35 % of its GPUs' price");
  EXPECT_THAT(plan.warnings, ElementsAre(HasSubstr("plan.yaml:4:5: what the chassis of big costs "
                                                   "is not said")));
}

TEST(Plan, WarnsOfUnitsThatPartsAreNotSoldIn) {
  EXPECT_THAT(plan_of().warnings, IsEmpty());
  EXPECT_THAT(plan_of(plan_with("512 GiB", "512 GB")).warnings,
              ElementsAre("plan.yaml:9:12: 512 GB of DRAM is 476.8 GiB; DRAM is sold in GiB: 512 "
                          "GiB?"));
  // The profiles that come with the program list what drives are sold with; not all need to.
  const auto drive = std::filesystem::path(::testing::TempDir()) / "plan_test_drive.yaml";
  std::ofstream(drive) << "name: any\ncapacity: 1 TB\nio_size: 256 KiB\npower: 9 W\n"
                          "price: {low: 1 USD/TB, typical: 2 USD/TB, high: 3 USD/TB, as_of: 2026}\n"
                          "read: {latency: 1 us, stream: 1 GB/s, iops: 1, bandwidth: 1 GB/s}\n"
                          "write: {latency: 1 us, stream: 1 GB/s, iops: 1, bandwidth: 1 GB/s}\n";
  EXPECT_THAT(plan_of(plan_with("kioxia-cd9p-r, capacities: [7.68 TB, 15.36 TB]",
                                drive.string() + ", capacities: [2 TiB, 2 TB]"))
                  .warnings,
              ElementsAre(HasSubstr("a drive of 2 TiB has 2.20 TB; drives are sold in TB: 2 TB?")));
}

TEST(Plan, WarnsOfAStoreThatIsOnNoBill) {
  const Plan plan = plan_of(plan_with("demand:", R"(set:
  hardware.network: s3-100g
  tiers:
    - {name: dram, medium: dram, capacity: 32 GiB}
    - {name: nvme, medium: nvme, capacity: 1 TB}
    - {name: store, medium: network, capacity: unlimited}
demand:)"));
  EXPECT_THAT(plan.warnings, ElementsAre("tier 'store' lies on the network: what its store costs "
                                         "is on no bill"));
}

TEST(Plan, TheCommandLineHasTheLastWord) {
  PlanOverrides overrides;
  overrides.sets = {"machines[0].gpus=4", "demand.load=7"};
  const Plan plan = plan_of(kPlan, overrides);
  EXPECT_EQ(plan.spec.demand.load, 7);
  EXPECT_EQ(plan.candidates[0].scenario.serving.replicas, 2);
}

TEST(ShippedPlans, AreRight) {
  const config::Catalogue catalogue({TERRACE_SOURCE_DIR});
  const auto shipped = catalogue.names("workloads/plans");
  EXPECT_FALSE(shipped.empty());
  for (const std::string& name : shipped) {
    const Plan plan = load_plan(*catalogue.find("workloads/plans", name), catalogue);
    EXPECT_EQ(plan.name, name);
    EXPECT_GT(plan.candidates.size(), 1U) << name;
    EXPECT_THAT(plan.warnings, IsEmpty()) << name;
  }
}

}  // namespace
}  // namespace terrace
