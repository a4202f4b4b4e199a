// How predictions are compared with measurements, against figures worked by hand.

#include "sim/study/validation/validation.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace terrace {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Duration ms(std::int64_t n) { return std::chrono::milliseconds(n); }

/// Ten output tokens each.
MeasuredRequest measured(Duration arrival, Duration ttft, Duration e2e) {
  return {"", arrival, Tokens{100}, Tokens{10}, Tokens{}, ttft, (e2e - ttft) / 9, e2e};
}

Outcome predicted(Duration ttft, Duration e2e) { return {ttft, e2e, (e2e - ttft) / 9}; }

/// Four requests on two seats: the third finds the first two still there, the fourth only itself.
struct Hand {
  MeasuredRun run{MeasuredFormat::csv,
                  {measured(ms(0), ms(100), ms(1000)), measured(ms(500), ms(200), ms(1100)),
                   measured(ms(600), ms(1000), ms(1900)), measured(ms(3000), ms(100), ms(1000))},
                  0};
  std::vector<std::optional<Outcome>> outcomes = {
      predicted(ms(110), ms(1010)), predicted(ms(180), ms(1080)), predicted(ms(1100), ms(2000)),
      predicted(ms(100), ms(2000))};
  Comparison comparison = compare(run, outcomes, 2);
};

TEST(Comparison, ErrorsAreThoseOfMeansQuantilesAndRequests) {
  const Hand hand;
  const LatencyErrors& ttft = *hand.comparison.all[0];
  EXPECT_EQ(ttft.requests, 4U);
  EXPECT_NEAR(ttft.mean_ms.measured, 350, 1e-9);     // (100 + 200 + 1000 + 100) / 4
  EXPECT_NEAR(ttft.mean_ms.predicted, 372.5, 1e-9);  // (110 + 180 + 1100 + 100) / 4
  EXPECT_NEAR(ttft.mean_ms.error(), 22.5 / 350, 1e-12);
  EXPECT_NEAR(ttft.p50_ms.measured, 150, 1e-9);   // of 100 100 200 1000, rank 1.5
  EXPECT_NEAR(ttft.p50_ms.predicted, 145, 1e-9);  // of 100 110 180 1100
  EXPECT_NEAR(ttft.p90_ms.measured, 760, 1e-9);   // rank 2.7: 200 + 0.7 * 800
  EXPECT_NEAR(ttft.p99_ms.measured, 976, 1e-9);   // rank 2.97
  EXPECT_NEAR(ttft.mape, 0.3 / 4, 1e-12);         // 10 %, 10 %, 10 %, 0
  EXPECT_NEAR(ttft.bias, 0.1 / 4, 1e-12);         // 10 %, -10 %, 10 %, 0
  const LatencyErrors& e2e = *hand.comparison.all[2];
  EXPECT_NEAR(e2e.mean_ms.measured, 1250, 1e-9);
  EXPECT_NEAR(e2e.mean_ms.predicted, 1522.5, 1e-9);
  EXPECT_NEAR(hand.comparison.all[1]->mean_ms.measured, 100, 1e-9);
}

TEST(Comparison, TheRunEndsWithItsLastToken) {
  const RunFigures run = *Hand().comparison.run;
  EXPECT_NEAR(run.makespan_s.measured, 4, 1e-12);
  EXPECT_NEAR(run.makespan_s.predicted, 5, 1e-12);
  EXPECT_NEAR(run.requests_per_s.measured, 1, 1e-12);
  EXPECT_NEAR(run.requests_per_s.error(), -0.2, 1e-12);
  EXPECT_NEAR(run.output_tokens_per_s.predicted, 8, 1e-12);
}

TEST(Comparison, RegimesGoByTheMeasuredLoadAtArrival) {
  const Hand hand;
  const auto& requests = hand.comparison.requests;
  EXPECT_EQ(requests[0].load, 0.0);
  EXPECT_EQ(requests[1].load, 0.5);
  EXPECT_EQ(requests[2].load, 1.0);
  EXPECT_EQ(requests[3].load, 0.0) << "all others have ended";
  const auto& regimes = hand.comparison.regimes;
  ASSERT_EQ(regimes.size(), 4U);
  EXPECT_EQ(regimes[0].requests, 2U);
  EXPECT_EQ(regimes[1].requests, 1U);
  EXPECT_EQ(regimes[2].requests, 1U);
  EXPECT_NEAR(regimes[2].errors[0]->bias, 0.1, 1e-12);
  EXPECT_EQ(regimes[3].requests, 3U) << "one second is not below one second";
  EXPECT_NEAR(regimes[0].errors[0]->mean_ms.error(), 0.05, 1e-12);
}

TEST(Comparison, SaysWhichRequestsAndWhenAreWrong) {
  const Hand hand;
  const auto& quarters = hand.comparison.quarters;
  ASSERT_EQ(quarters.size(), 4U);
  EXPECT_NEAR(quarters[2].share, 100.0 / 130, 1e-12);  // of 10 + 20 + 100 + 0
  EXPECT_EQ(quarters[2].from, ms(600));
  EXPECT_NEAR(quarters[1].ttft_ms.error(), -0.1, 1e-12);
  EXPECT_EQ(hand.comparison.worst.size(), 4U);
  EXPECT_EQ(hand.comparison.worst.back(), 3U);
}

TEST(Comparison, WhatIsNotMeasuredIsNotCompared) {
  Hand hand;
  for (MeasuredRequest& r : hand.run.requests) {
    r.ttft.reset();
    r.e2e.reset();
  }
  const Comparison c = compare(hand.run, hand.outcomes, 2);
  EXPECT_FALSE(c.all[0]);
  EXPECT_TRUE(c.all[1]);
  EXPECT_FALSE(c.run);
  EXPECT_EQ(c.regimes.size(), 1U) << "without ends there is no load";
  EXPECT_TRUE(c.quarters.empty());
  EXPECT_EQ(c.worst_by, Latency::tpot);
}

TEST(Comparison, ARejectedRequestIsComparedWithNothing) {
  Hand hand;
  hand.outcomes[2].reset();
  const Comparison c = compare(hand.run, hand.outcomes, 2);
  EXPECT_EQ(c.rejected, 1U);
  EXPECT_EQ(c.all[0]->requests, 3U);
  EXPECT_NEAR(c.all[0]->mean_ms.measured, 400.0 / 3, 1e-9);
  EXPECT_FALSE(c.run);
}

TEST(Comparison, EveryErrorHasAName) {
  const auto errors = named_errors(Hand().comparison);
  EXPECT_EQ(errors.size(), 3U * 6 + 3);
  for (const auto& [name, error] : errors) {
    const auto bound = parse_bound(name + ">1%");
    ASSERT_TRUE(bound.value) << name << bound.why;
    EXPECT_EQ(bound.value->name, name);
  }
  EXPECT_EQ(errors[0].first, "ttft_mean");
  EXPECT_EQ(errors[4].first, "ttft_mape");
  EXPECT_NEAR(errors[4].second, 0.075, 1e-12);
  EXPECT_EQ(errors[18].first, "makespan");
}

TEST(ErrorBound, HoldsEitherWay) {
  const ErrorBound bound = *parse_bound(" tpot_p99 > 2.5 % ").value;
  EXPECT_EQ(bound.name, "tpot_p99");
  EXPECT_DOUBLE_EQ(bound.limit, 0.025);
  EXPECT_TRUE(is_within(0.025, bound));
  EXPECT_TRUE(is_within(-0.02, bound));
  EXPECT_FALSE(is_within(-0.026, bound));
  EXPECT_FALSE(is_within(0.026, bound));
}

TEST(ErrorBound, SaysWhatIsWrong) {
  EXPECT_THAT(parse_bound("ttft_men>2%").why, HasSubstr("did you mean 'ttft_mean'?"));
  EXPECT_THAT(parse_bound("makespn>2%").why, HasSubstr("did you mean 'makespan'?"));
  EXPECT_THAT(parse_bound("bananas>2%").why, HasSubstr("there are: ttft_mean, ttft_p50"));
  EXPECT_THAT(parse_bound("ttft_mean>2").why, HasSubstr("it is written as in ttft_mean>2%"));
  EXPECT_THAT(parse_bound("ttft_mean<2%").why, HasSubstr("it is written as in"));
  EXPECT_THAT(parse_bound("ttft_mean").why, HasSubstr("it is written as in"));
  EXPECT_THAT(parse_bound("ttft_mean>x%").why, HasSubstr("'x%' is no percentage"));
  EXPECT_THAT(parse_bound("ttft_mean>-1%").why, HasSubstr("'-1%' is no percentage"));
  EXPECT_THAT(parse_bound("ttft_mean>%").why, HasSubstr("'%' is no percentage"));
  EXPECT_FALSE(parse_bound("").value);
}

}  // namespace
}  // namespace terrace
