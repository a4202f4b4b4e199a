// Rankings and comparisons of made-up results, against numbers worked out by hand.

#include "sim/study/sweep/analysis.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace terrace {
namespace {

using ::testing::ElementsAre;

Metric metric(const char* name, Better better) { return {name, MetricUnit::count, better, "", {}}; }

/// Arms x seeds of one value each; a missing one is a run that failed.
struct Made {
  Made(std::vector<std::vector<std::optional<double>>> arms, Better better) {
    plan.known = {metric("m", better)};
    plan.reported = {0};
    plan.arms.resize(arms.size());
    for (std::size_t s = 0; s < arms[0].size(); ++s) {
      plan.seeds.push_back(static_cast<std::int64_t>(s));
    }
    for (const auto& arm : arms) {
      for (const auto& value : arm) {
        RunResult run;
        if (value) {
          run.values = {value};
        } else {
          run.status = RunStatus::infeasible;
          run.error = "does not fit";
        }
        results.runs.emplace_back(run);
      }
    }
  }
  SweepPlan plan;
  SweepResults results;
};

std::vector<std::size_t> order(const std::vector<RankedArm>& ranking) {
  std::vector<std::size_t> arms;
  for (const RankedArm& arm : ranking) arms.push_back(arm.arm);
  return arms;
}

TEST(SweepAnalysis, RanksInTheDirectionOfTheMetric) {
  const std::vector<std::vector<std::optional<double>>> arms = {{3, 4}, {1, 2}, {5, 6}};
  const Made low(arms, Better::lower);
  EXPECT_THAT(order(SweepAnalysis(low.plan, low.results).ranking(0)), ElementsAre(1, 0, 2));
  const Made high(arms, Better::higher);
  EXPECT_THAT(order(SweepAnalysis(high.plan, high.results).ranking(0)), ElementsAre(2, 0, 1));
}

TEST(SweepAnalysis, SeedsThatMoveBothArmsDoNotHideTheDifference) {
  // The arms overlap widely; seed by seed the second is worse by 1 +- 0.1.
  const Made made({{10, 20, 30}, {11.0, 21.1, 30.9}, {9, 22, 31}}, Better::lower);
  const auto ranking = SweepAnalysis(made.plan, made.results).ranking(0);
  EXPECT_EQ(ranking[0].standing, Standing::best);
  EXPECT_EQ(ranking[1].arm, 2U);
  EXPECT_EQ(ranking[1].standing, Standing::tied) << "differences -1, 2, 1";
  EXPECT_EQ(ranking[2].standing, Standing::behind);
}

TEST(SweepAnalysis, WithOneSeedNothingIsToldApart) {
  const Made made({{1}, {100}}, Better::lower);
  const auto ranking = SweepAnalysis(made.plan, made.results).ranking(0);
  EXPECT_EQ(ranking[1].standing, Standing::unknown);
  EXPECT_FALSE(ranking[1].value.half_width);
}

TEST(SweepAnalysis, FailedRunsAreLeftOutAndCounted) {
  const Made made({{1, std::nullopt, 3}, {{}, {}, {}}, {2, 5, 6}}, Better::lower);
  const SweepAnalysis analysis(made.plan, made.results);
  EXPECT_EQ(analysis.estimate(0, 0)->n, 2U);
  EXPECT_FALSE(analysis.estimate(1, 0));
  EXPECT_THAT(order(analysis.ranking(0)), ElementsAre(0, 2));
  EXPECT_THAT(analysis.pareto({0}), ElementsAre(0));
  EXPECT_EQ(analysis.failed(1), 3U);
  ASSERT_EQ(analysis.failures().size(), 1U);
  EXPECT_EQ(analysis.failures()[0].second, 4U);

  // Against the first arm: the seeds that both have are the first and the third.
  const auto compared = analysis.compare(0, {0});
  ASSERT_EQ(compared.size(), 1U);
  EXPECT_EQ(compared[0].arm, 2U);
  EXPECT_EQ(compared[0].difference.n, 2U);
  EXPECT_DOUBLE_EQ(compared[0].difference.mean, 2);  // of 1 and 3
  EXPECT_DOUBLE_EQ(compared[0].base.mean, 2);
  EXPECT_DOUBLE_EQ(*compared[0].relative, 1);
  EXPECT_NEAR(*compared[0].difference.half_width, 12.706204736, 1e-8);  // sd sqrt 2, over sqrt 2
}

}  // namespace
}  // namespace terrace
