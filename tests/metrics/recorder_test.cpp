#include "sim/metrics/recorder.hpp"

#include <chrono>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/metrics/stage.hpp"

namespace terrace {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kQueue = static_cast<std::size_t>(TtftPart::queue);
constexpr std::size_t kPrefill = static_cast<std::size_t>(TtftPart::prefill);

TEST(Recorder, CountsStepsByTheirLengthAndTokensByTheirNumber) {
  Stage stage;
  Recorder recorder(stage.block_bytes());
  recorder.on_start(stage.view());
  stage.outcome.regular_gaps = 1'000'000;
  stage.outcome.regular_gap = 10ms;
  stage.outcome.other_gaps = {30ms, 50ms};
  stage.plan.wait = Wait::blocks;
  stage.plan.preempted = {RequestId{1}, RequestId{2}};
  stage.step(recorder, 0, 0ms, 10ms);
  stage.outcome.clear();
  stage.outcome.regular_gap = 70ms;  // of nobody
  stage.plan.clear();
  stage.plan.wait = Wait::seats;
  stage.step(recorder, 1, 5ms, 25ms, 4ms);
  recorder.on_end(SimTime{40ms});

  const Summary s = recorder.summary(false);
  EXPECT_EQ(s.steps, 2);
  EXPECT_EQ(s.replicas, 2);
  EXPECT_EQ(s.busy, 30ms);
  EXPECT_EQ(s.stalled, 4ms);
  EXPECT_EQ(s.duration, 40ms);
  EXPECT_EQ(s.preemptions, 2);
  EXPECT_DOUBLE_EQ(s.wait_seconds[static_cast<std::size_t>(Wait::blocks)], 0.010);
  EXPECT_DOUBLE_EQ(s.wait_seconds[static_cast<std::size_t>(Wait::seats)], 0.020);
  EXPECT_DOUBLE_EQ(s.wait_seconds[static_cast<std::size_t>(Wait::budget)], 0);
  const Histogram& itl = s.all.latencies.itl;
  EXPECT_EQ(itl.count(), 1'000'002);
  EXPECT_EQ(Duration{itl.min()}, 10ms);
  EXPECT_EQ(Duration{itl.max()}, 50ms);
  EXPECT_TRUE(itl.sum() ==
              Histogram::Sum{Duration{10ms}.count()} * 1'000'000 + Duration{80ms}.count());
}

TEST(Recorder, ASloHoldsUpToTheLastPicosecond) {
  constexpr Duration kTtft = 60ms;  // of the first client of the stage
  constexpr Duration kTpot = 7ms;
  struct Case {
    Duration ttft;
    std::int64_t output;
    Duration decode;
    bool good;
  };
  const std::vector<Case> cases = {
      {kTtft, 11, kTpot * 10, true},
      {kTtft + Duration{1}, 11, kTpot * 10, false},
      {kTtft, 11, kTpot * 10 + Duration{10}, false},
      {kTtft, 1, Duration{}, true},  // a single token has no tpot to miss
      {kTtft + Duration{1}, 1, Duration{}, false},
  };
  for (const Case& c : cases) {
    const Stage stage;
    Recorder recorder(stage.block_bytes());
    recorder.on_start(stage.view());
    const Request r = finished(0, 0, 1s, 1ms, c.ttft, c.output);
    recorder.on_left(r, r.first_token + c.decode);
    recorder.on_end(SimTime{10s});
    EXPECT_EQ(recorder.summary().all.good, c.good ? 1 : 0) << c.ttft.count() << ' ' << c.output;
    EXPECT_EQ(recorder.summary().all.latencies.tpot.empty(), c.output == 1);
  }
}

TEST(Recorder, WithoutASloEveryCompletedRequestIsGood) {
  const Stage stage;
  Recorder recorder(stage.block_bytes());
  recorder.on_start(stage.view());
  recorder.on_left(finished(0, 1, 0s, 10s, 20s, 1), SimTime{20s});
  recorder.on_end(SimTime{20s});
  const Summary s = recorder.summary();
  EXPECT_EQ(s.clients[1].good, 1);
  EXPECT_FALSE(s.clients[1].ttft_slo.has_value());
  EXPECT_EQ(s.clients[0].ttft_slo, Duration{60ms});
}

TEST(Recorder, RejectedRequestsAreCountedByReasonAndNothingElse) {
  const Stage stage;
  Recorder recorder(stage.block_bytes());
  recorder.on_start(stage.view());
  Request r;
  r.client = 1;
  r.rejection = Rejection::exceeds_kv_capacity;
  recorder.on_left(r, SimTime{1s});
  recorder.on_left(r, SimTime{2s});
  r.rejection = Rejection::exceeds_max_model_len;
  recorder.on_left(r, SimTime{3s});
  recorder.on_end(SimTime{5s});
  const Summary s = recorder.summary();
  EXPECT_EQ(s.came, 3);
  EXPECT_EQ(s.all.completed, 0);
  EXPECT_EQ(s.all.rejected, 3);
  EXPECT_EQ(s.clients[1].rejected, 3);
  EXPECT_EQ(s.rejections, (std::vector<std::int64_t>{0, 2, 1}));
  EXPECT_TRUE(s.all.latencies.ttft.empty());
  EXPECT_EQ(s.verdict.state, Verdict::State::idle);
}

TEST(Recorder, PartsOfTtftAreMeansOverCompletedRequests) {
  const Stage stage;
  Recorder recorder(stage.block_bytes());
  recorder.on_start(stage.view());
  recorder.on_left(finished(0, 0, 0s, 10ms, 40ms, 2), SimTime{1s});
  recorder.on_left(finished(1, 1, 1s, 50ms, 60ms, 2), SimTime{3s});
  Request rejected;
  rejected.rejection = Rejection::exceeds_kv_capacity;
  recorder.on_left(rejected, SimTime{4s});
  recorder.on_end(SimTime{9s});
  const Summary s = recorder.summary();
  EXPECT_DOUBLE_EQ(s.ttft_parts[kQueue], 0.030);
  EXPECT_DOUBLE_EQ(s.ttft_parts[kPrefill], 0.020);
  EXPECT_DOUBLE_EQ(s.all.latencies.ttft.mean() * 1e-12, 0.050);
  EXPECT_EQ(s.duration, 4s) << "of a complete run: until the last request left";
}

TEST(Recorder, PoolsThatNothingUsedAreEmptyAndHaveTheirCapacity) {
  const Stage stage;
  Recorder recorder(stage.block_bytes());
  recorder.on_start(stage.view());
  recorder.on_end(SimTime{1s});
  const Summary s = recorder.summary();
  ASSERT_EQ(s.tiers.size(), 3U);
  EXPECT_EQ(s.tiers[0].name, "hbm");
  EXPECT_EQ(s.tiers[0].capacity, stage.block_bytes() * (2 * 299));
  EXPECT_EQ(s.tiers[1].capacity, Bytes{std::int64_t{1} << 30U});
  EXPECT_EQ(s.tiers[2].medium, "nvme");
  EXPECT_EQ(s.tiers[2].capacity, Bytes{std::int64_t{8} << 30U});
  EXPECT_EQ(s.tiers[2].mean_occupied, 0);
}

TEST(Recorder, WhatAStoppedRunHadDoneIsThereWithWhatItHadNot) {
  const Scenario scenario = scenario_of(kTwoTiers);
  Recorder recorder(Simulation(scenario, {}).dimensions().block_bytes);
  Simulation simulation(scenario, {&recorder});
  ASSERT_FALSE(simulation.run([](const Progress&) { return false; }));
  const Summary s = recorder.summary(false);
  EXPECT_FALSE(s.complete);
  EXPECT_GT(s.unfinished, 0);
  EXPECT_EQ(s.came, s.all.completed + s.all.rejected + s.unfinished);
  EXPECT_EQ(s.duration, simulation.view().loop.now().time_since_epoch());
}

}  // namespace
}  // namespace terrace
