// Where a scenario breaks as one knob is turned, where the answer is known.

#include "sim/study/load/cliff.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/kv/capacity.hpp"
#include "sim/study/load/capacity.hpp"
#include "tests/study/load/queues.hpp"

namespace terrace {
namespace {

using ::testing::HasSubstr;
using testing::queue;

std::vector<SloBound> bounds(const std::string& text) { return *parse_slo(text).value; }

Knob knob(std::function<Scenario(double)> scenario, bool whole = false) {
  return {"knob", [](double v) { return fmt::format("{}", v); }, std::move(scenario),
          [](double v) { return v; }, whole};
}

TEST(Cliff, InLoadIsWhereTheCapacityIs) {
  const Scenario scenario = queue(10, 3000, testing::kAboutTenTokens);
  const auto slo = bounds("ttft_p99=60ms");
  const Capacity capacity = *find_capacity(scenario, slo, {1, 0.01, 1, {}});
  const Cliff cliff = *find_cliff(knob([&](double v) { return scaled_load(scenario, v); }),
                                  std::vector<double>{1, 2, 4, 8, 16}, slo, {0.01, 20, 2, {}});
  ASSERT_EQ(cliff.breaks.size(), 1U);
  const CliffPoint& good = cliff.points[cliff.breaks[0].good];
  const CliffPoint& bad = cliff.points[cliff.breaks[0].bad];
  EXPECT_TRUE(good.holds());
  EXPECT_FALSE(bad.holds());
  EXPECT_LT(good.value, bad.value);
  EXPECT_LE(bad.value, good.value * 1.011);
  EXPECT_NEAR(good.value, capacity.factor().mean, 0.02 * good.value);
}

/// Requests of ten blocks of 16 tokens, one of them the token that is generated.
Scenario blocks(double count) {
  Scenario scenario = queue(1, 400, "{distribution: constant, value: 159}");
  scenario.serving.engine.num_gpu_blocks = static_cast<std::int64_t>(count);
  scenario.serving.engine.max_model_len = Tokens{160};
  return scenario;
}

TEST(Cliff, OfMemoryIsWhereARequestDoesNotFitExactly) {
  const Cliff cliff = *find_cliff(knob(blocks, true), std::vector<double>{4, 64, 128},
                                  bounds("ttft_p99=1h"), {0.001, 30, 1, {}});
  ASSERT_EQ(cliff.breaks.size(), 1U);
  // One block is never used: 11 leave ten.
  EXPECT_EQ(cliff.points[cliff.breaks[0].good].value, 11);
  EXPECT_EQ(cliff.points[cliff.breaks[0].bad].value, 10);
  EXPECT_TRUE(cliff.points[cliff.breaks[0].bad].rejects());
  EXPECT_GT(cliff.breaks[0].good, cliff.breaks[0].bad);
}

TEST(Cliff, WhatCannotStartIsABreak) {
  const auto memory = [](double gib) {
    if (gib < 3) throw Infeasible("it does not fit");
    return queue(10, 400);
  };
  const Cliff cliff = *find_cliff(knob(memory, true), std::vector<double>{1, 8},
                                  bounds("ttft_p99=1h"), {0.01, 30, 1, {}});
  ASSERT_EQ(cliff.breaks.size(), 1U);
  const CliffPoint& bad = cliff.points[cliff.breaks[0].bad];
  EXPECT_EQ(bad.value, 2);
  EXPECT_EQ(bad.why_not, "it does not fit");
  EXPECT_EQ(cliff.points[cliff.breaks[0].good].value, 3);
}

TEST(Cliff, MayBeOneOfSeveralOrNone) {
  const auto hills = [](double v) { return queue(v > 3 && v < 7 ? 200 : 20, 1500); };
  const Cliff two = *find_cliff(knob(hills), std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8},
                                bounds("ttft_p99=1h"), {0.02, 20, 2, {}});
  ASSERT_EQ(two.breaks.size(), 2U);
  EXPECT_LT(two.breaks[0].good, two.breaks[0].bad);
  EXPECT_GT(two.breaks[1].good, two.breaks[1].bad);
  EXPECT_NEAR(two.points[two.breaks[0].bad].value, 3, 0.07);
  EXPECT_NEAR(two.points[two.breaks[1].bad].value, 7, 0.15);
  const Cliff none = *find_cliff(knob(hills), std::vector<double>{1, 2, 3}, bounds("ttft_p99=1h"),
                                 {0.02, 20, 2, {}});
  EXPECT_TRUE(none.breaks.empty());
  EXPECT_EQ(none.points.size(), 3U);
}

TEST(Cliff, IsTheSameForAnyNumberOfThreadsAndStopsWhenToldTo) {
  const auto load = [](double v) { return scaled_load(queue(10, 1500), v); };
  const std::vector<double> values = {1, 3, 9, 27};
  const auto slo = bounds("ttft_p99=60ms");
  const Cliff one = *find_cliff(knob(load), values, slo, {0.02, 20, 1, {}});
  const Cliff many = *find_cliff(knob(load), values, slo, {0.02, 20, 4, {}});
  ASSERT_EQ(one.points.size(), many.points.size());
  for (std::size_t i = 0; i < one.points.size(); ++i) {
    EXPECT_EQ(one.points[i].value, many.points[i].value);
    EXPECT_EQ(one.points[i].trial->judged[0].value, many.points[i].trial->judged[0].value);
  }
  const auto long_load = [](double v) { return scaled_load(queue(10, 3'000'000), v); };
  EXPECT_FALSE(find_cliff(knob(long_load), values, slo,
                          {0.02, 20, 1, [](std::size_t, std::size_t) { return false; }}));
}

}  // namespace
}  // namespace terrace
