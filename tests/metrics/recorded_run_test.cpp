// The recorder beside one that keeps everything, in runs with preemptions, rejections and two
// tiers.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "sim/kv/hierarchy.hpp"
#include "sim/metrics/recorder.hpp"
#include "tests/metrics/stage.hpp"

namespace terrace {
namespace {

using namespace std::chrono_literals;

/// Keeps everything, and computes from it what the recorder only accumulates.
class Witness final : public Observer {
 public:
  struct Span {
    Duration length;
    std::int64_t occupied;
    std::int64_t held;
  };
  struct Watch {
    const BlockPool* pool;
    SimTime since{};
    Span last{};
    std::vector<Span> spans;
  };

  void on_start(const RunView& view) override {
    hierarchy = &view.hierarchy;
    for (const HbmPart& part : view.hierarchy.hbm_parts())
      watches.push_back({&part.pool, {}, {}, {}});
    for (const Tier& tier : view.hierarchy.tiers()) {
      for (const TierPart& part : tier.parts) watches.push_back({&part.pool, {}, {}, {}});
    }
  }
  void on_step(const StepRecord& step) override {
    for (std::int64_t i = 0; i < step.outcome.regular_gaps; ++i) {
      gaps.push_back(step.outcome.regular_gap);
    }
    gaps.insert(gaps.end(), step.outcome.other_gaps.begin(), step.outcome.other_gaps.end());
    look(watches[step.replica.index()], step.start, step.end);
    for (std::size_t t = 2; t < watches.size(); ++t) look(watches[t], step.start, step.end);
  }
  void on_left(const Request& request, SimTime now) override {
    left.push_back(request);
    left_at.push_back(now);
  }
  void on_end(SimTime now) override {
    for (Watch& watch : watches) look(watch, now, now);
  }

  static void look(Watch& w, SimTime start, SimTime now) {
    const SimTime from = std::max(start, w.since);
    w.spans.push_back({from - w.since, w.last.occupied, w.last.held});
    w.last = {Duration{}, w.pool->occupied_blocks(), w.pool->held_blocks()};
    w.spans.push_back({now - from, w.last.occupied, w.last.held});
    w.since = now;
  }
  static double mean(const Watch& w, std::int64_t Span::*figure) {
    long double sum = 0;
    long double time = 0;
    for (const Span& span : w.spans) {
      const auto length = static_cast<long double>(span.length.count());
      sum += length * static_cast<long double>(span.*figure);
      time += length;
    }
    return static_cast<double>(sum / time);
  }

  const Hierarchy* hierarchy = nullptr;
  std::vector<Duration> gaps;
  std::vector<Request> left;
  std::vector<SimTime> left_at;
  std::vector<Watch> watches;
};

Duration nearest_rank(std::vector<Duration> values, double q) {
  std::sort(values.begin(), values.end());
  const double rank = std::ceil(q * static_cast<double>(values.size()) - 1e-9);
  return values[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

class RecordedRun : public testing::Test {
 protected:
  RecordedRun() {
    const Scenario scenario = scenario_of(kTwoTiers);
    block = Simulation(scenario, {}).dimensions().block_bytes;
    Recorder recorder(block);
    Simulation simulation(scenario, {&recorder, &witness});
    const bool complete = simulation.run();
    end = simulation.view().loop.now();
    summary = recorder.summary(complete);
  }

  Bytes block;
  Witness witness;
  SimTime end{};
  Summary summary;
};

TEST_F(RecordedRun, EveryRequestIsBookedOnce) {
  EXPECT_TRUE(summary.complete);
  EXPECT_EQ(summary.came, 600);
  EXPECT_EQ(summary.all.completed + summary.all.rejected, 600);
  EXPECT_EQ(summary.unfinished, 0);
  EXPECT_GT(summary.all.rejected, 0) << "the stage should have some too long for HBM";
  EXPECT_GT(summary.preemptions, 0) << "and too few blocks for all that run";

  Tokens prompt;
  Tokens output;
  std::int64_t good = 0;
  std::int64_t preemptions = 0;
  Tokens recomputed;
  for (std::size_t i = 0; i < witness.left.size(); ++i) {
    const Request& r = witness.left[i];
    if (r.rejection != Rejection::none) continue;
    prompt += r.prompt;
    output += r.output;
    preemptions += r.preemptions;
    recomputed += r.recomputed;
    const Duration decode = witness.left_at[i] - r.first_token;
    const bool slo = r.client == 0;
    good += !slo || (r.first_token - r.arrived <= 60ms &&
                     decode < (Duration{7ms} + Duration{1}) *
                                  std::max<std::int64_t>(r.output.count() - 1, 1));
  }
  EXPECT_EQ(summary.all.prompt, prompt);
  EXPECT_EQ(summary.all.output, output);
  EXPECT_EQ(summary.all.good, good);
  EXPECT_EQ(summary.clients[0].good + summary.clients[1].good, good);
  EXPECT_EQ(summary.preemptions, preemptions);
  EXPECT_EQ(summary.recomputed, recomputed);
}

TEST_F(RecordedRun, QuantilesAreThoseOfAllValues) {
  std::vector<Duration> ttft;
  std::vector<Duration> tpot;
  std::vector<Duration> e2e;
  for (std::size_t i = 0; i < witness.left.size(); ++i) {
    const Request& r = witness.left[i];
    if (r.rejection != Rejection::none) continue;
    ttft.push_back(r.first_token - r.arrived);
    e2e.push_back(witness.left_at[i] - r.arrived);
    if (r.output > Tokens{1}) {
      tpot.push_back((witness.left_at[i] - r.first_token) / (r.output.count() - 1));
    }
  }
  const auto compare = [](const Histogram& histogram, const std::vector<Duration>& values) {
    ASSERT_EQ(histogram.count(), static_cast<std::int64_t>(values.size()));
    for (const double q : {0.0, 0.5, 0.9, 0.99, 1.0}) {
      const auto exact = static_cast<double>(nearest_rank(values, q).count());
      EXPECT_NEAR(static_cast<double>(histogram.quantile(q)), exact, exact / 4096) << q;
    }
  };
  compare(summary.all.latencies.ttft, ttft);
  compare(summary.all.latencies.tpot, tpot);
  compare(summary.all.latencies.e2e, e2e);
  compare(summary.all.latencies.itl, witness.gaps);
}

TEST_F(RecordedRun, GapsBetweenTokensAddUpToTheTimeOfDecoding) {
  Histogram::Sum decoding = 0;
  std::int64_t gaps = 0;
  for (std::size_t i = 0; i < witness.left.size(); ++i) {
    const Request& r = witness.left[i];
    if (r.rejection != Rejection::none) continue;
    decoding += (witness.left_at[i] - r.first_token).count();
    gaps += r.output.count() - 1;
  }
  EXPECT_EQ(summary.all.latencies.itl.count(), gaps);
  EXPECT_TRUE(summary.all.latencies.itl.sum() == decoding);
}

TEST_F(RecordedRun, PartsAddUpToMeanTtft) {
  double sum = 0;
  for (const double part : summary.ttft_parts) sum += part;
  EXPECT_NEAR(sum, summary.all.latencies.ttft.mean() * 1e-12, 1e-12);
}

TEST_F(RecordedRun, OccupancyIsTheIntegralOverTime) {
  const std::vector<std::vector<std::size_t>> pools = {{0, 1}, {2}, {3}};
  ASSERT_EQ(summary.tiers.size(), pools.size());
  for (std::size_t level = 0; level < pools.size(); ++level) {
    const std::int64_t ratio = level == 2 ? 4 : 1;
    double occupied = 0;
    double held = 0;
    for (const std::size_t pool : pools[level]) {
      occupied += Witness::mean(witness.watches[pool], &Witness::Span::occupied);
      held += Witness::mean(witness.watches[pool], &Witness::Span::held);
    }
    const auto bytes = static_cast<double>(block.count() * ratio);
    const TierSummary& t = summary.tiers[level];
    EXPECT_NEAR(t.mean_occupied, occupied * bytes, 1e-9 * t.mean_occupied + 1) << t.name;
    EXPECT_NEAR(t.mean_held, held * bytes, 1e-9 * t.mean_held + 1) << t.name;
    EXPECT_LE(t.mean_held, t.mean_occupied);
    EXPECT_LE(t.mean_occupied, static_cast<double>(t.peak_occupied.count()));
    EXPECT_LE(t.peak_occupied, t.capacity);
    EXPECT_GT(t.counters.hits, Tokens{}) << "the stage should make use of " << t.name;
  }
}

TEST_F(RecordedRun, LinksThatOnlyWritesTakeAreTheWaysDown) {
  ASSERT_EQ(summary.writes_only.size(), summary.links.size());
  for (std::size_t i = 0; i < summary.links.size(); ++i) {
    const std::string& name = summary.links[i].name;
    const bool down = name.ends_with(".d2h") || name.ends_with(".write");
    EXPECT_EQ(summary.writes_only[i], down) << name;
  }
}

}  // namespace
}  // namespace terrace
