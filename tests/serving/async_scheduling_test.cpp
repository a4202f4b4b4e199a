// Steps of 10 ms each, whatever they do, so that times tell steps.

#include <gtest/gtest.h>

#include "tests/scenario/run_yaml.hpp"

namespace terrace {
namespace {

using namespace std::chrono_literals;
using testing::Result;

std::vector<Duration> ttfts(bool async_scheduling, const std::vector<std::int64_t>& arrivals_ms) {
  std::string lines;
  std::int64_t content = 1;
  for (const std::int64_t ms : arrivals_ms) {
    lines += testing::trace_line(ms * 1'000'000'000, {{content++, 20}}, 4);
  }
  const testing::TraceFile trace(lines);
  const Result result = testing::run_yaml(testing::kTinyModel + testing::kMachine + R"(
serving:
  cost: {backend: constant, per_step: 10 ms}
  engine: {num_gpu_blocks: 100, async_scheduling: )" +
                                          (async_scheduling ? "true" : "false") + R"(}
workload: {trace: {path: ')" + trace.path() +
                                          "'}}\n");
  std::vector<Duration> all;
  for (const testing::Record& r : result.requests) all.push_back(r.ttft());
  return all;
}

using Ttfts = std::vector<Duration>;

TEST(AsyncScheduling, WhoArrivesDuringAStepMissesTheNext) {
  EXPECT_EQ(ttfts(false, {0, 15, 17}), (Ttfts{10ms, 15ms, 13ms}));
  EXPECT_EQ(ttfts(true, {0, 15, 17}), (Ttfts{10ms, 25ms, 23ms}));
}

/// The first runs from 0 to 40 ms; nothing is decided ahead when there is nothing left to run.
TEST(AsyncScheduling, NobodyWaitsForAnIdleEngine) {
  EXPECT_EQ(ttfts(true, {0, 35}), (Ttfts{10ms, 15ms}));
  EXPECT_EQ(ttfts(true, {0, 60}), (Ttfts{10ms, 10ms}));
}

}  // namespace
}  // namespace terrace
