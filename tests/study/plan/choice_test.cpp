// Which machines to buy, once it is known what each can do.

#include "sim/study/plan/choice.hpp"

#include <algorithm>
#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/for_all.hpp"
#include "tests/study/plan/plans.hpp"

namespace terrace {
namespace {

using ::testing::ElementsAre;
using tests::for_all;
using tests::plan_of;
using namespace std::chrono_literals;

Evaluation evaluation(std::int64_t nodes) {
  Performance performance;
  performance.slo = {1s, std::nullopt, 1s, 10ms};  // of 2 s, 60 ms, 4 s, 80 ms
  performance.prompt_tokens_per_second = 10'000;
  performance.output_tokens_per_second = 10'000;
  performance.prefill_share = 0.5;
  performance.use = {0.8, 0.2, Bandwidth{1e8}};
  Evaluation evaluation;
  evaluation.nodes = nodes;
  evaluation.performance = performance;
  return evaluation;
}

/// All candidates but those named fail.
PlanResults results_of(const Plan& plan,
                       const std::vector<std::pair<std::size_t, Evaluation>>& meeting) {
  PlanResults results;
  results.evaluations.resize(plan.candidates.size(), Evaluation{});
  for (const auto& [candidate, evaluation] : meeting) results.evaluations[candidate] = evaluation;
  results.progress.candidates = results.progress.done = plan.candidates.size();
  return results;
}

PlanResults any_results(const Plan& plan) {
  std::vector<std::pair<std::size_t, Evaluation>> meeting;
  for (std::size_t i = 0; i < plan.candidates.size(); ++i) {
    if (*rc::gen::inRange(0, 3) == 0) continue;
    Evaluation made = evaluation(*rc::gen::inRange(1, 6));
    Performance& performance = *made.performance;
    performance.slo[0] = std::chrono::milliseconds(*rc::gen::inRange(1, 2000));
    performance.use.gpu_busy = *rc::gen::inRange(0, 101) * 0.01;
    performance.use.drive_writes = Bandwidth{*rc::gen::inRange(0, 100) * 1e8};
    performance.prompt_tokens_per_second = *rc::gen::inRange(0, 50'000);
    performance.cached_tokens_per_second = *rc::gen::inRange(0, 3) * 10'000;
    performance.output_tokens_per_second = *rc::gen::inRange(1, 50'000);
    performance.prefill_share = *rc::gen::inRange(0, 101) * 0.01;
    meeting.emplace_back(i, made);
  }
  return results_of(plan, meeting);
}

std::vector<std::size_t> candidates_of(const Choice& choice) {
  std::vector<std::size_t> all;
  for (const Offer& offer : choice.offers) all.push_back(offer.candidate);
  return all;
}

TEST(Choice, OffersAreSortedByWhatTheyCostAndHaveTheirSpareNodes) {
  const Plan plan = plan_of();
  const PlanResults results =
      results_of(plan, {{0, evaluation(3)}, {3, evaluation(2)}, {12, evaluation(2)}});
  const Choice choice = choose(plan, results, 0);
  EXPECT_THAT(candidates_of(choice), ElementsAre(12, 3, 0));
  EXPECT_EQ(choice.offers[0].nodes, 3) << "one may fail";
  // The spare node spreads the work; it draws what an idle one does.
  EXPECT_EQ(
      choice.offers[1].typical.per_hour,
      bill(plan, plan.candidates[3], 3, evaluation(2).performance->use.spread(2, 3)).per_hour);
  EXPECT_DOUBLE_EQ(choice.offers[0].slo_used, 0.5) << "1 of 2 s; what nothing measured is met";
  EXPECT_LE(choice.offers[0].low.per_hour, choice.offers[0].typical.per_hour);
  EXPECT_LE(choice.offers[0].typical.per_hour, choice.offers[0].high.per_hour);
}

TEST(Choice, OfEqualOffersTheFirstInTheFileComesFirst) {
  Plan plan = plan_of();
  plan.candidates[3] = plan.candidates[0];
  const Choice choice =
      choose(plan, results_of(plan, {{0, evaluation(2)}, {3, evaluation(2)}}), 10);
  EXPECT_THAT(candidates_of(choice), ElementsAre(0, 3));
  EXPECT_EQ(choice.offers[0].wins, 1);
  EXPECT_EQ(choice.offers[1].wins, 0);
  EXPECT_TRUE(choice.offers[0].on_front && choice.offers[1].on_front);
}

TEST(Choice, NothingMeetsNothingIsOffered) {
  const Plan plan = plan_of();
  EXPECT_TRUE(choose(plan, results_of(plan, {}), 10).offers.empty());
}

TEST(TokenCost, OfANodeOfEightGpusByHand) {
  // 11.70 USD per hour for 20,000 tokens per second at 60 %: 0.27 USD per million.
  Plan plan = plan_of();
  plan.spec.limits.spare_nodes = 0;
  plan.spec.demand.mean_load = 0.6;
  plan.spec.economics.gpu_life = plan.spec.economics.host_life = Years{4};
  plan.spec.economics.upkeep = 0;
  Candidate& node = plan.candidates[0];
  node.prices.chassis.range.typical =
      Dollars{0.35 * 8 * 35000} - node.dram * node.prices.dram.range.typical;
  node.scenario.hardware.gpu.idle_power = node.scenario.hardware.gpu.power = Power{800};
  node.scenario.hardware.host.power = Power{600};
  const Choice choice = choose(plan, results_of(plan, {{0, evaluation(1)}}), 0);
  EXPECT_NEAR(choice.offers[0].tokens.prompt.count(), 0.27, 0.005);
  EXPECT_NEAR(choice.offers[0].tokens.output.count(), 0.27, 0.005);
  EXPECT_EQ(choice.offers[0].tokens.cached, Dollars{});
  // 7 kW for 6,000 output tokens per second.
  EXPECT_NEAR(choice.offers[0].joules_per_output_token, 7000.0 / 6000, 1e-9);
}

TEST(TokenCost, OutputsAreDearerThePartOfTheTimeThatDecodingTakes) {
  const Plan plan = plan_of();
  Evaluation decoding = evaluation(2);
  decoding.performance->prefill_share = 0.25;
  const Choice choice = choose(plan, results_of(plan, {{0, decoding}}), 0);
  EXPECT_DOUBLE_EQ(choice.offers[0].tokens.output.count(),
                   3 * choice.offers[0].tokens.prompt.count());
}

TEST(TokenCost, CachedTokensBearTheDrivesAndTheDramThatHoldsKv) {
  const Plan plan = plan_of();
  Evaluation caching = evaluation(2);
  caching.performance->cached_tokens_per_second = 40'000;
  const Choice choice = choose(plan, results_of(plan, {{1, caching}}), 0);
  const Offer& offer = choice.offers[0];
  // Over five years, with 5 % of upkeep each: half a terabyte at 11 USD per GB, of which 80 % hold
  // KV, and four drives at 357 USD per TB, in three nodes.
  const double capex = 3 * (0.8 * 512 * 0x1p30 * 1e-9 * 11 + 4 * 7.68 * 357);
  const double per_hour = capex * (1.0 / 5 + 0.05) / 8760;
  EXPECT_NEAR(offer.tokens.cached.count(), per_hour / (40'000 * 3600 * 0.5) * 1e6, 1e-9);
}

TEST(TokenCost, OfAnHourTogetherAreTheBill) {
  const Plan plan = plan_of();
  for_all([&] {
    const PlanResults results = any_results(plan);
    for (const Offer& offer : choose(plan, results, 0).offers) {
      const Performance& p = *results.evaluations[offer.candidate]->performance;
      const double millions = 3600 * 0.5 * 1e-6;
      const double sum = millions * (p.prompt_tokens_per_second * offer.tokens.prompt.count() +
                                     p.cached_tokens_per_second * offer.tokens.cached.count() +
                                     p.output_tokens_per_second * offer.tokens.output.count());
      // Rounding of some ten operations.
      RC_ASSERT(std::abs(sum / offer.typical.per_hour.count() - 1) < 1e-12);
    }
  });
}

TEST(Choice, TheWinnerOfADrawHasTheLeastBill) {
  const Plan plan = plan_of();
  for_all(
      [&] {
        const PlanResults results = any_results(plan);
        constexpr std::size_t kDraws = 20;
        std::vector<double> wins(plan.candidates.size(), 0);
        for (std::size_t draw = 0; draw < kDraws; ++draw) {
          std::vector<std::pair<double, std::size_t>> bills;
          for (std::size_t i = 0; i < plan.candidates.size(); ++i) {
            const Evaluation& made = *results.evaluations[i];
            if (!made.meets()) continue;
            const std::int64_t bought = *made.nodes + 1;
            const NodeUse use = made.performance->use.spread(*made.nodes, bought);
            bills.emplace_back(bill(plan, plan.candidates[i], bought, use, PriceDraw::random(draw))
                                   .per_hour.count(),
                               i);
          }
          if (bills.empty()) continue;
          wins[std::min_element(bills.begin(), bills.end())->second] += 1.0 / kDraws;
        }
        double sum = 0;
        const Choice choice = choose(plan, results, kDraws);
        for (const Offer& offer : choice.offers) {
          RC_ASSERT(std::abs(offer.wins - wins[offer.candidate]) < 1e-9);
          sum += offer.wins;
        }
        RC_ASSERT(choice.offers.empty() || std::abs(sum - 1) < 1e-9);
      },
      50);
}

TEST(Choice, AnOfferThatIsDearerAtAnyPriceChangesNothing) {
  const Plan given = plan_of();
  for_all(
      [&] {
        const PlanResults results = any_results(given);
        const Choice before = choose(given, results, 20);
        if (before.offers.empty()) return;
        // The same machine as some offer's, but more of them, and no faster.
        const Offer& model = before.offers[*rc::gen::inRange<std::size_t>(0, before.offers.size())];
        Plan plan = given;
        plan.candidates.push_back(given.candidates[model.candidate]);
        PlanResults more = results;
        more.evaluations.push_back(more.evaluations[model.candidate]);
        *more.evaluations.back()->nodes += 1;
        more.evaluations.back()->performance->slo[0] = 2s;
        ++more.progress.candidates;
        ++more.progress.done;
        const Choice after = choose(plan, more, 20);
        RC_ASSERT(after.offers.size() == before.offers.size() + 1);
        for (const Offer& was : before.offers) {
          const auto is =
              std::find_if(after.offers.begin(), after.offers.end(),
                           [&](const Offer& offer) { return offer.candidate == was.candidate; });
          RC_ASSERT(is->wins == was.wins);
          RC_ASSERT(is->on_front == was.on_front);
        }
        RC_ASSERT(after.offers[0].candidate == before.offers[0].candidate);
      },
      50);
}

TEST(Choice, TheFrontHoldsWhatNoOtherBeatsInCostSloAndEnergy) {
  const Plan plan = plan_of();
  for_all([&] {
    const Choice choice = choose(plan, any_results(plan), 0);
    for (const Offer& mine : choice.offers) {
      const bool beaten =
          std::any_of(choice.offers.begin(), choice.offers.end(), [&](const Offer& other) {
            const bool nowhere_worse =
                other.typical.per_hour <= mine.typical.per_hour &&
                other.slo_used <= mine.slo_used &&
                other.joules_per_output_token <= mine.joules_per_output_token;
            const bool somewhere_better =
                other.typical.per_hour < mine.typical.per_hour || other.slo_used < mine.slo_used ||
                other.joules_per_output_token < mine.joules_per_output_token;
            return nowhere_worse && somewhere_better;
          });
      RC_ASSERT(mine.on_front == !beaten);
    }
  });
}

}  // namespace
}  // namespace terrace
