#include "sim/metrics/timeseries.hpp"

#include <chrono>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/metrics/stage.hpp"

namespace terrace {
namespace {

using namespace std::chrono_literals;

struct Kept {
  Sample sample;
  std::vector<Bytes> tiers;
};

std::vector<Kept> run_and_keep() {
  const Scenario scenario = scenario_of(kTwoTiers);
  const Bytes block = Simulation(scenario, {}).dimensions().block_bytes;
  std::vector<Kept> kept;
  Sampler sampler(block, [&](const Sample& s) {
    kept.push_back({s, {s.tier_occupied.begin(), s.tier_occupied.end()}});
  });
  Simulation simulation(scenario, {&sampler});
  EXPECT_TRUE(simulation.run());
  return kept;
}

TEST(Sampler, GivesEveryReplicaThenTheirSum) {
  const std::vector<Kept> kept = run_and_keep();
  ASSERT_GT(kept.size(), 30U);
  ASSERT_EQ(kept.size() % 3, 0U);
  for (std::size_t i = 0; i < kept.size(); i += 3) {
    const Sample& a = kept[i].sample;
    const Sample& b = kept[i + 1].sample;
    const Sample& all = kept[i + 2].sample;
    EXPECT_EQ(a.replica, ReplicaId{0});
    EXPECT_EQ(b.replica, ReplicaId{1});
    EXPECT_EQ(all.replica, ReplicaId::none());
    EXPECT_EQ(a.at, all.at);
    EXPECT_EQ(a.running + b.running, all.running);
    EXPECT_EQ(a.waiting + b.waiting, all.waiting);
    EXPECT_EQ(a.held_blocks + b.held_blocks, all.held_blocks);
    EXPECT_EQ(a.completed + b.completed, all.completed);
    EXPECT_EQ(a.busy + b.busy, all.busy);
    EXPECT_LE(a.held_blocks, a.occupied_blocks);
    EXPECT_EQ(kept[i].tiers, kept[i + 2].tiers) << "both tiers are shared: nothing to add up";
  }
}

TEST(Sampler, TicksAtTheIntervalAndOnceMoreAtTheEnd) {
  const std::vector<Kept> kept = run_and_keep();
  for (std::size_t i = 0; i + 3 < kept.size(); ++i) {
    EXPECT_EQ(kept[i].sample.at, SimTime{500ms * static_cast<int>(i / 3 + 1)});
  }
  const Sample& last = kept.back().sample;
  EXPECT_GT(last.at, kept[kept.size() - 4].sample.at);
  EXPECT_EQ(last.running + last.waiting + last.loading, 0);
  EXPECT_GT(last.completed, 500);
  EXPECT_GT(kept.back().tiers[1], Bytes{});
}

TEST(Sampler, WhatIsSoFarNeverDecreases) {
  const std::vector<Kept> kept = run_and_keep();
  for (std::size_t i = 3; i < kept.size(); ++i) {
    const Sample& before = kept[i - 3].sample;
    const Sample& now = kept[i].sample;
    EXPECT_GE(now.completed, before.completed);
    EXPECT_GE(now.output_tokens, before.output_tokens);
    EXPECT_GE(now.preemptions, before.preemptions);
    EXPECT_GE(now.busy, before.busy);
  }
}

}  // namespace
}  // namespace terrace
