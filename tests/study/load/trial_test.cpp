// One run, judged: against what its requests tell one by one, and against queues whose answer is
// known.

#include "sim/study/load/trial.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/for_all.hpp"
#include "tests/study/load/queues.hpp"

namespace terrace {
namespace {

using namespace std::chrono_literals;
using testing::kAboutTenTokens;
using testing::queue;
using testing::Record;

std::vector<SloBound> bounds(const std::string& text) { return *parse_slo(text).value; }

Trial attempted(const Scenario& scenario, const std::string& slo, bool cut_short = true) {
  return *attempt(scenario, bounds(slo), {{}, cut_short});
}

Scenario seeded(Scenario scenario, std::int64_t seed) {
  scenario.seed = seed;
  return scenario;
}

/// The least TTFT that a share q does not exceed, by counting.
Duration quantile(const std::vector<Record>& records, std::size_t from, double q) {
  Duration best = Duration::max();
  for (std::size_t i = from; i < records.size(); ++i) {
    std::size_t within = 0;
    for (std::size_t k = from; k < records.size(); ++k) {
      if (records[k].ttft() <= records[i].ttft()) ++within;
    }
    const auto n = static_cast<double>(records.size() - from);
    if (static_cast<double>(within) >= q * n - 1e-6) best = std::min(best, records[i].ttft());
  }
  return best;
}

TEST(Trial, FiguresAreExactlyThoseOfTheJudgedRequests) {
  const Scenario scenario = queue(80, 700, kAboutTenTokens);
  auto run = testing::run(scenario).requests;
  std::sort(run.begin(), run.end(),
            [](const Record& a, const Record& b) { return a.number < b.number; });
  const Trial trial =
      attempted(scenario,
                "ttft_p50=10s,ttft_p99=10s,ttft_p99.9=10s,ttft_mean=10s,customers.e2e_p99=10s,"
                "tpot=1s");
  ASSERT_TRUE(trial.passes());
  EXPECT_EQ(trial.requests + trial.warm_up, 700U);
  EXPECT_LE(trial.warm_up, 350U);
  EXPECT_EQ(trial.judged[0].value, quantile(run, trial.warm_up, 0.5));
  EXPECT_EQ(trial.judged[1].value, quantile(run, trial.warm_up, 0.99));
  EXPECT_EQ(trial.judged[2].value, quantile(run, trial.warm_up, 0.999));
  double sum = 0;
  for (std::size_t i = trial.warm_up; i < run.size(); ++i) sum += seconds(run[i].ttft());
  EXPECT_NEAR(seconds(*trial.judged[3].value), sum / static_cast<double>(trial.requests), 1e-9);
  EXPECT_EQ(trial.judged[4].value, trial.judged[1].value);  // one token: e2e is ttft
  EXPECT_FALSE(trial.judged[5].value);                      // and there is no tpot,
  EXPECT_TRUE(trial.judged[5].met);                         // which meets any bound
}

TEST(Trial, ABoundIsMetUpToItsLimitAndNotBeyond) {
  const Scenario scenario = queue(50, 500, kAboutTenTokens);
  auto bound = bounds("ttft_p99=10s");
  const Duration value = *attempt(scenario, bound)->judged[0].value;
  bound[0].limit = value;
  EXPECT_TRUE(attempt(scenario, bound)->passes());
  bound[0].limit = value - Duration{1};
  EXPECT_FALSE(attempt(scenario, bound)->passes());
}

TEST(Trial, LittlesLawHolds) {
  const Trial trial = attempted(queue(70, 20000, kAboutTenTokens), "e2e_mean=1h");
  const double e2e = seconds(*trial.judged[0].value);
  EXPECT_NEAR(trial.concurrency, trial.offered.count() * e2e, 0.01 * trial.concurrency);
  EXPECT_NEAR(trial.running, 0.7, 0.03);  // U = lambda S
  EXPECT_NEAR(trial.offered.count(), 70, 2);
  EXPECT_NEAR(trial.served.count(), trial.offered.count(), 0.1);
}

TEST(Trial, BeyondItsCapacityAServerServesItsCapacity) {
  const Trial trial = attempted(queue(200, 4000), "e2e_mean=1h");
  EXPECT_FALSE(trial.keeps_up);
  EXPECT_FALSE(trial.passes());
  EXPECT_NEAR(trial.served.count(), 100, 0.5);
  EXPECT_NEAR(trial.running, 1, 1e-6);
}

// The error rates of the rule itself are those of Growth in steady_state_test.cpp, on requests
// without warm-up; here with what warm-up takes away and adds.
TEST(SlowTrial, KeepsUpAtNineTenthsAndNotAtMoreThanAll) {
  const auto share = [](double rate, std::int64_t requests) {
    int kept = 0;
    for (std::int64_t seed = 0; seed < 100; ++seed) {
      kept += attempted(seeded(queue(rate, requests, kAboutTenTokens), seed), "ttft=1h").keeps_up;
    }
    return kept;
  };
  EXPECT_EQ(share(80, 4000), 100);
  EXPECT_GE(share(90, 4000), 96);
  EXPECT_LE(share(105, 4000), 12);
  EXPECT_EQ(share(120, 4000), 0);
}

TEST(Trial, ARejectedRequestMeetsNoBound) {
  // Longer than the context: nine in a hundred.
  const std::string prompt =
      "{distribution: histogram, values: [10, 2000000], weights: [0.91, 0.09]}";
  const Scenario scenario = queue(20, 2000, prompt);
  const Trial trial =
      attempted(scenario, "ttft_p90=1s,ttft_p99=1s,ttft_mean=1s,tpot_p99=1s", false);
  ASSERT_GT(trial.summary.all.rejected, 100);
  EXPECT_TRUE(trial.judged[0].met);
  for (const std::size_t i : {1U, 2U, 3U}) {
    EXPECT_FALSE(trial.judged[i].met) << i;
    EXPECT_FALSE(trial.judged[i].value) << i;
  }
}

TEST(Trial, CuttingShortNeverChangesTheAnswer) {
  int cut = 0;
  int failed = 0;
  tests::for_all([&] {
    const double rate = *rc::gen::element(30, 60, 80, 90, 110, 200);
    const auto requests = *rc::gen::inRange<std::int64_t>(20, 8000);
    const auto limit = *rc::gen::inRange<std::int64_t>(5, 300);
    const auto* const figure = *rc::gen::element("ttft_p50", "ttft_p90", "ttft_p99", "ttft_mean",
                                                 "e2e_p99.9", "customers.ttft_p95");
    const Scenario scenario =
        seeded(queue(rate, requests, kAboutTenTokens), *rc::gen::inRange<std::int64_t>(0, 1000));
    const std::string slo = fmt::format("{}={} ms", figure, limit);
    const Trial whole = attempted(scenario, slo, false);
    const Trial maybe_cut = attempted(scenario, slo, true);
    RC_ASSERT(!whole.cut_short);
    RC_ASSERT(maybe_cut.passes() == whole.passes());
    RC_ASSERT(maybe_cut.cut_short ||
              (maybe_cut.judged[0].value == whole.judged[0].value &&
               maybe_cut.keeps_up == whole.keeps_up && maybe_cut.warm_up == whole.warm_up));
    cut += maybe_cut.cut_short ? 1 : 0;
    failed += whole.passes() ? 0 : 1;
  });
  EXPECT_GT(cut, 20);  // or the property would say nothing
  EXPECT_GT(200 - failed, 20);
}

TEST(Trial, StopsWhenToldTo) {
  EXPECT_FALSE(attempt(queue(80, 5000), bounds("ttft=1s"), {[] { return false; }, true}));
}

TEST(OfferedLoad, OfOpenLoopsIsTheSumOfTheirRates) {
  const Scenario scenario = testing::parse(testing::kTinyModel + testing::kMachine + R"(
workload:
  max_requests: 10
  clients:
    - name: steady
      arrivals: {process: gamma, rate: 3 /s, cv: 2}
      prompt: {distribution: constant, value: 1}
      output: {distribution: constant, value: 1}
    - name: bursts
      arrivals: {process: on_off, rate_on: 8 /s, rate_off: 0 /s, mean_on: 1 s, mean_off: 3 s}
      prompt: {distribution: constant, value: 1}
      output: {distribution: constant, value: 1}
    - name: people
      arrivals: {process: closed_loop, users: 7, think: {distribution: constant, value: 1 s}}
      prompt: {distribution: constant, value: 1}
      output: {distribution: constant, value: 1}
)");
  EXPECT_DOUBLE_EQ(offered_rate(scenario)->count(), 5);
  const Scenario half = scaled_load(scenario, 0.5);
  EXPECT_DOUBLE_EQ(offered_rate(half)->count(), 2.5);
  EXPECT_EQ(half.workload.synthetic.clients[2].arrivals.users, 4);
  EXPECT_EQ(scaled_load(scenario, 1e-9).workload.synthetic.clients[2].arrivals.users, 1);
  EXPECT_EQ(resolved_yaml(scaled_load(scenario, 1)), resolved_yaml(scenario));
}

TEST(OfferedLoad, TheSameRequestsComeAtAnotherPace) {
  const auto slow = testing::run(queue(10, 300, kAboutTenTokens)).requests;
  const auto fast = testing::run(scaled_load(queue(10, 300, kAboutTenTokens), 4)).requests;
  for (std::size_t i = 0; i < slow.size(); ++i) {
    ASSERT_EQ(fast[i].prompt, slow[i].prompt);
    ASSERT_NEAR(seconds(fast[i].arrived) * 4, seconds(slow[i].arrived), 1e-9);
  }
}

TEST(OfferedLoad, OfATraceIsItsPace) {
  testing::TraceFile trace(testing::trace_line(0, {{1, 10}}, 1) +
                           testing::trace_line(1'000'000'000'000, {{2, 10}}, 1));
  const Scenario scenario = testing::parse(
      testing::kTinyModel + testing::kMachine +
      fmt::format("\nworkload: {{trace: {{path: {}, format: terrace}}}}\n", trace.path()));
  EXPECT_FALSE(offered_rate(scenario));
  const auto run = testing::run(scaled_load(scenario, 2)).requests;
  EXPECT_EQ(run.back().arrived.time_since_epoch(), Duration(500ms));
}

}  // namespace
}  // namespace terrace
