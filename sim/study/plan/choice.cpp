#include "sim/study/plan/choice.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/study/statistics.hpp"

namespace terrace {
namespace {

/// What holds the cached tokens, per hour.
DollarsPerHour cost_of_tiers(const Plan& plan, const Candidate& candidate, const Bill& bill) {
  const auto& tiers = candidate.scenario.tiers;
  const bool dram = std::any_of(tiers.begin(), tiers.end(), [](const TierSpec& tier) {
    return tier.enabled() && tier.medium == Medium::dram;
  });
  DollarsPerHour sum;
  for (const Bill::Line& line : bill.lines) {
    if (line.part == Bill::Part::dram && dram) sum += line.per_hour * plan.spec.shares.dram;
    if (line.part == Bill::Part::drives || line.part == Bill::Part::worn_drives) {
      sum += line.per_hour;
    }
  }
  return sum;
}

TokenCost cost_of_tokens(const Plan& plan, const Candidate& candidate,
                         const Performance& performance, const Bill& bill) {
  const double hour = 3600 * plan.spec.demand.mean_load;
  const auto per_million = [&](DollarsPerHour cost, double tokens_per_second) {
    return Dollars{tokens_per_second > 0 ? cost.count() / (tokens_per_second * hour) * 1e6 : 0};
  };
  const bool caches = performance.cached_tokens_per_second > 0;
  const DollarsPerHour tiers = caches ? cost_of_tiers(plan, candidate, bill) : DollarsPerHour{};
  const DollarsPerHour rest = bill.per_hour - tiers;
  // What nothing is made of has no cost to bear.
  double prefill = performance.prefill_share;
  if (performance.prompt_tokens_per_second <= 0) prefill = 0;
  if (performance.output_tokens_per_second <= 0) prefill = 1;
  return {per_million(rest * prefill, performance.prompt_tokens_per_second),
          per_million(tiers, performance.cached_tokens_per_second),
          per_million(rest * (1 - prefill), performance.output_tokens_per_second)};
}

double slo_used(const Plan& plan, const Performance& performance) {
  double most = 0;
  for (std::size_t i = 0; i < plan.bounds.size(); ++i) {
    if (!performance.slo[i]) continue;
    most = std::max(most, seconds(*performance.slo[i]) / seconds(plan.bounds[i].limit));
  }
  return most;
}

NodeUse use_of(const Offer& offer, const Evaluation& evaluation) {
  return evaluation.performance->use.spread(*evaluation.nodes, offer.nodes);
}

Offer offer_of(const Plan& plan, std::size_t index, const Evaluation& evaluation) {
  const Candidate& candidate = plan.candidates[index];
  const Performance& performance = *evaluation.performance;
  Offer offer;
  offer.candidate = index;
  offer.nodes = *evaluation.nodes + plan.spec.limits.spare_nodes;
  const NodeUse use = use_of(offer, evaluation);
  offer.typical = bill(plan, candidate, offer.nodes, use);
  offer.low = bill(plan, candidate, offer.nodes, use, PriceDraw::lowest());
  offer.high = bill(plan, candidate, offer.nodes, use, PriceDraw::highest());
  offer.tokens = cost_of_tokens(plan, candidate, performance, offer.typical);
  offer.slo_used = slo_used(plan, performance);
  const double tokens = performance.output_tokens_per_second * plan.spec.demand.mean_load;
  offer.joules_per_output_token = tokens > 0 ? offer.typical.mean_power.count() / tokens : 0;
  return offer;
}

void mark_front(std::vector<Offer>& offers) {
  std::vector<std::vector<double>> points;
  points.reserve(offers.size());
  for (const Offer& offer : offers) {
    points.push_back(
        {offer.typical.per_hour.count(), offer.slo_used, offer.joules_per_output_token});
  }
  const std::vector<bool> front = pareto_front(points);
  for (std::size_t i = 0; i < offers.size(); ++i) offers[i].on_front = front[i];
}

/// The offer that costs least at these prices.
std::size_t cheapest(const Plan& plan, const PlanResults& results, const std::vector<Offer>& offers,
                     const PriceDraw& prices) {
  std::size_t best = 0;
  DollarsPerHour least = DollarsPerHour::max();
  for (std::size_t i = 0; i < offers.size(); ++i) {
    const Offer& offer = offers[i];
    const NodeUse use = use_of(offer, *results.evaluations[offer.candidate]);
    const DollarsPerHour cost =
        bill(plan, plan.candidates[offer.candidate], offer.nodes, use, prices).per_hour;
    if (cost < least) std::tie(best, least) = std::pair(i, cost);
  }
  return best;
}

}  // namespace

Choice choose(const Plan& plan, const PlanResults& results, std::size_t draws) {
  TERRACE_CHECK(results.complete());
  Choice choice;
  choice.draws = draws;
  auto& offers = choice.offers;
  for (std::size_t i = 0; i < results.evaluations.size(); ++i) {
    const Evaluation& evaluation = *results.evaluations[i];
    if (evaluation.meets()) offers.push_back(offer_of(plan, i, evaluation));
  }
  std::stable_sort(offers.begin(), offers.end(), [](const Offer& a, const Offer& b) {
    return a.typical.per_hour < b.typical.per_hour;
  });
  mark_front(offers);
  std::vector<std::size_t> won(offers.size(), 0);
  for (std::size_t draw = 0; draw < draws && !offers.empty(); ++draw) {
    ++won[cheapest(plan, results, offers, PriceDraw::random(draw))];
  }
  for (std::size_t i = 0; i < offers.size(); ++i) {
    if (draws > 0) offers[i].wins = static_cast<double>(won[i]) / static_cast<double>(draws);
  }
  return choice;
}

}  // namespace terrace
