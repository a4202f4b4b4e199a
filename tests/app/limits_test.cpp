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
  const Outcome outcome = place.terrace("run quickstart --set workload.max_requests=50 --set",
                                        {"hardware.gpu={use: l40s, host_link: {d2h: 1 B/s}}"});
  EXPECT_EQ(outcome.status, 4) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("106 days"));
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
