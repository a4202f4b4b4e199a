// Input that is well-formed but goes beyond what a machine, or the simulator, can do.

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/program.hpp"

namespace terrace {
namespace {

using ::testing::HasSubstr;
using testing::Outcome;
using testing::Workplace;

struct Limit {
  const char* set;
  int status;
  const char* message;
};

TEST(Limits, WhatIsBeyondThemIsSaidAndDoesNotCrash) {
  const Workplace place;
  const std::vector<Limit> limits = {
      {"serving.engine.block_size=0", 3, "'block_size' must be between 1 and 65536"},
      {"model.hidden=9000000000000000000", 3, "'hidden' must be between 1 and 262144"},
      {"serving.tensor_parallel=3", 3, "the 32 attention heads of llama-3.1-8b cannot be divided"},
      {"tiers[0].capacity=100 TiB", 3, "the DRAM tiers take 1.1e+05 GB of each host"},
      {"tiers[1].capacity=500 TB", 3, "the NVMe tiers take 500 TB of each host"},
      {"serving.cost={backend: constant, per_step: 1000000 s}", 4, "past 106 days"},
      {"serving.cost={backend: constant, per_prefill_token: 100000 s}", 4, "past 106 days"},
      {"hardware.gpu={use: l40s, memory_bandwidth: 1 B/s}", 4, "past 106 days"},
      {"workload.clients[0].arrivals.rate=1e-6 /s", 4, "raise workload.clients[0].arrivals.rate"},
      {"serving.engine={num_gpu_blocks: 100, gpu_memory_utilization: 0.5}", 3,
       "has no effect beside num_gpu_blocks"},
      {"serving.engine={num_gpu_blocks: 100, activation_reserve: 1 GiB}", 3,
       "has no effect beside num_gpu_blocks"},
      {"hardware.gpu.efficiency.attention_memory=0.5", 3,
       "has no effect on the fitted kernel times of L40S"},
      {"hardware.gpu={use: l40s, price: {low: 1 USD, typical: 2 USD, high: 1e300 USD, as_of: "
       "2026}}",
       3, "too large"},
      {"output.timeseries_interval=1 ps", 3, "'timeseries_interval' must be at least"},
  };
  for (const auto& [set, status, message] : limits) {
    const Outcome outcome = place.terrace("run quickstart --set", {set});
    EXPECT_EQ(outcome.status, status) << set << '\n' << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(message)) << set;
  }
}

TEST(Limits, ALinkThatNeverDeliversIsNoContradiction) {
  const Workplace place;
  const Outcome down = place.terrace("run quickstart --set workload.max_requests=50 --set",
                                     {"hardware.gpu={use: l40s, host_link: {d2h: 1 B/s}}"});
  EXPECT_EQ(down.status, 4) << down.err;
  EXPECT_THAT(down.err, HasSubstr("a transfer over gpu0.d2h"));
  // Requests wait for what comes up.
  const Outcome up = place.terrace("run quickstart --set workload.max_requests=500 --set",
                                   {"hardware.gpu={use: l40s, host_link: {h2d: 1 B/s}}"});
  EXPECT_EQ(up.status, 4) << up.err;
  EXPECT_THAT(up.err, HasSubstr("a transfer over gpu0.h2d"));
}

// Every verb that runs, or reads, a load; none makes do with the part that time suffices for.
TEST(Limits, ALoadThatOutlastsTheClockIsNeverCut) {
  const Workplace place;
  const std::string slow = "workload.clients[0].arrivals.rate=1e-6 /s";
  for (const char* verb : {"run", "mrc"}) {
    const Outcome outcome = place.terrace(verb, {"quickstart", "--set", slow});
    EXPECT_EQ(outcome.status, 4) << verb << '\n' << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("106 days")) << verb;
  }
  // In a sweep, that run fails, and no other.
  place.write("slow.yaml", R"(
scenario: quickstart
set: {workload.max_requests: 200}
axes: [{key: "workload.clients[0].arrivals.rate", values: [1e-6 /s, 2 /s]}]
metrics: [ttft_mean]
)");
  const Outcome sweep = place.terrace("sweep slow.yaml --quiet --out d");
  EXPECT_EQ(sweep.status, 4) << sweep.err;
  EXPECT_THAT(sweep.err, HasSubstr("1 of 2 runs failed"));
  EXPECT_THAT(testing::read_file(place.at("d") / "runs.csv"), HasSubstr("106 days"));
}

// An interval that reaches beyond the clock writes no row, and stops nothing.
TEST(Limits, AnIntervalBeyondTheClock) {
  const Workplace place;
  const Outcome outcome = place.terrace(
      "run quickstart --quiet --set workload.max_requests=70",
      {"--set", "workload.clients[0].arrivals.rate=1e-6 /s", "--set",
       "output.timeseries_interval=4000000 s"});  // rows at 4e6 s, 8e6 s, and at none of the clock
  EXPECT_EQ(outcome.status, 0) << outcome.err;
}

TEST(Limits, AFileWithoutEndIsNoScenario) {
  const Workplace place;
  const Outcome outcome = place.terrace("run /dev/zero");
  EXPECT_EQ(outcome.status, 3) << outcome.err;
}

TEST(Limits, IdleTimeWritesNoRows) {
  const Workplace place;
  place.write("late.csv", "arrival_s,prompt_tokens,output_tokens\n1,10,5\n8000000,10,5\n");
  const Outcome outcome = place.terrace("run --trace late.csv --out results");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::string rows = testing::read_file(place.at("results/timeseries.csv"));
  EXPECT_LT(std::count(rows.begin(), rows.end(), '\n'), 20);
}

}  // namespace
}  // namespace terrace
