#include "sim/study/plan/outlook.hpp"

#include <algorithm>
#include <cmath>

#include "sim/scenario/cost_spec.hpp"

namespace terrace {
namespace {

/// Of the plan, only the candidates behind these offers.
Plan part_of(const Plan& plan, const Choice& choice, const std::vector<Outlook>& few) {
  Plan part = plan;
  part.candidates.clear();
  for (const Outlook& one : few) {
    part.candidates.push_back(plan.candidates[choice.offers[one.offer].candidate]);
  }
  return part;
}

/// Only these back ends know how far their times may be off.
bool has_error_bars(const Plan& plan) {
  return std::all_of(plan.candidates.begin(), plan.candidates.end(), [](const Candidate& c) {
    const CostBackend from = backend(c.scenario);
    return from == CostBackend::fitted || from == CostBackend::roofline;
  });
}

/// The cheapest, by their place in the part.
std::optional<std::size_t> look_at(Plan part, Confidence confidence,
                                   std::optional<Outlook::End> Outlook::*end,
                                   std::vector<Outlook>& few, RunStore& store,
                                   const PlanOptions& options, bool& complete) {
  for (Candidate& candidate : part.candidates) {
    candidate.scenario.serving.cost.estimate = confidence;
  }
  const PlanResults found = search(part, part.load_after(part.spec.demand.horizon), store, options);
  complete = found.complete();
  if (!complete) return {};
  for (Outlook& one : few) (one.*end).emplace();
  const Choice choice = choose(part, found, 0);
  for (const Offer& offer : choice.offers) {
    few[offer.candidate].*end = Outlook::End{offer.nodes, offer.typical.per_hour};
  }
  if (choice.offers.empty()) return {};
  return choice.offers.front().candidate;
}

}  // namespace

Outlooks look_ahead(const Plan& plan, const Choice& choice, RunStore& store,
                    const PlanOptions& options) {
  Outlooks all;
  for (std::size_t i = 0; i < choice.offers.size(); ++i) {
    if (i == 0 || choice.offers[i].wins >= kLeastWins) all.offers.push_back({.offer = i});
  }
  if (all.offers.empty()) return all;
  const Plan part = part_of(plan, choice, all.offers);
  const DemandSpec& demand = plan.spec.demand;
  const auto years = static_cast<int>(std::floor(demand.horizon.count()));
  for (int year = 0; demand.growth != 0 && year <= years; ++year) {
    const double load = part.load_after(Years{static_cast<double>(year)});
    const PlanResults found = search(part, load, store, options);
    all.complete = found.complete();
    if (!all.complete) return all;
    for (std::size_t i = 0; i < all.offers.size(); ++i) {
      auto nodes = found.evaluations[i]->nodes;
      if (nodes) *nodes += plan.spec.limits.spare_nodes;
      all.offers[i].by_year.push_back(nodes);
    }
  }
  if (!has_error_bars(part)) return all;
  all.cheapest_if_quick =
      look_at(part, Confidence::low, &Outlook::quick, all.offers, store, options, all.complete);
  if (!all.complete) return all;
  all.cheapest_if_slow =
      look_at(part, Confidence::high, &Outlook::slow, all.offers, store, options, all.complete);
  return all;
}

}  // namespace terrace
