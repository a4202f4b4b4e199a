#include "sim/study/plan/bounds.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "sim/kv/capacity.hpp"
#include "sim/scenario/simulation.hpp"
#include "sim/study/plan/bill.hpp"
#include "sim/study/plan/step_floors.hpp"

namespace terrace {
namespace {

/// Prices and powers of so many nodes: those that are spare stand there, too.
Bill bill_of(const Plan& plan, const Candidate& candidate, std::int64_t nodes) {
  return bill(plan, candidate, nodes + plan.spec.limits.spare_nodes, {});
}

/// What a limit allows, and what so many nodes take of it.
struct Limit {
  Obstacle obstacle;
  double allowed;
  double taken;
  std::string words;
};

/// Every limit there is, as so many nodes meet it. All of them are linear in the nodes.
std::vector<Limit> limits_of(const Plan& plan, const Candidate& candidate, std::int64_t nodes) {
  const LimitsSpec& limits = plan.spec.limits;
  const MachineSpec& machine = plan.spec.machines[candidate.machine];
  const Bill bill = bill_of(plan, candidate, nodes);
  const auto bought = static_cast<double>(nodes + limits.spare_nodes);
  const auto most = static_cast<double>(machine.most_nodes);
  std::vector<Limit> all = {
      {Obstacle::nodes, most, bought, fmt::format("{} nodes, of {} at most", bought, most)}};
  if (limits.rack_units) {
    const auto units = static_cast<double>(*limits.rack_units);
    const auto taken = static_cast<double>(bill.rack_units);
    all.push_back({Obstacle::rack_units, units, taken,
                   fmt::format("{} rack units, of {} there are", taken, units)});
  }
  if (limits.power) {
    const double kw = limits.power->count() / 1e3;
    const double taken = bill.most_power.count() / 1e3;
    all.push_back({Obstacle::power, kw, taken,
                   fmt::format("{:.1f} kW at the most, of {:.1f} kW there are", taken, kw)});
  }
  if (limits.budget) {
    const double dollars = limits.budget->count();
    const double taken = bill.purchase.count();
    all.push_back({Obstacle::budget, dollars, taken,
                   fmt::format("${:.2f} k, of a budget of ${:.2f} k", taken / 1e3, dollars / 1e3)});
  }
  return all;
}

/// The limit that so many nodes exceed most; what they keep to otherwise.
Limit tightest(const Plan& plan, const Candidate& candidate, std::int64_t nodes) {
  const std::vector<Limit> all = limits_of(plan, candidate, nodes);
  return *std::max_element(all.begin(), all.end(), [](const Limit& a, const Limit& b) {
    return a.taken * b.allowed < b.taken * a.allowed;
  });
}

void rule_out(Prospect& prospect, Obstacle by, double excess, std::string why) {
  prospect.most_nodes = 0;
  prospect.most_by = by;
  prospect.excess = excess;
  prospect.why = std::move(why);
}

std::string milliseconds(Duration time) { return fmt::format("{:.4g} ms", seconds(time) * 1e3); }

/// What a latency cannot be below, for the lengths that enough requests reach.
Duration floor_of(Latency latency, const StepFloors& floors, const Reached& reached) {
  switch (latency) {
    case Latency::ttft:
      return floors.prompt(reached.fresh);
    case Latency::tpot:
      return floors.token();
    case Latency::e2e:
      // Two lengths that need not be those of one request.
      return std::max(floors.prompt(reached.fresh), reached.output.count() * floors.token());
  }
  return {};
}

/// Whether idle machines would miss a bound, and if so which.
bool too_slow(const Plan& plan, const StepFloors& floors, const Demand& demand,
              Prospect& prospect) {
  for (std::size_t b = 0; b < plan.bounds.size(); ++b) {
    if (!demand.reached[b].asked) continue;
    const SloBound& bound = plan.bounds[b];
    const Duration floor = floor_of(bound.latency, floors, demand.reached[b]);
    if (floor <= bound.limit) continue;
    rule_out(prospect, Obstacle::latency, seconds(floor) / seconds(bound.limit),
             fmt::format("{} is {} at least, on an idle machine; {} are allowed", bound.name(),
                         milliseconds(floor), milliseconds(bound.limit)));
    return true;
  }
  return false;
}

/// Whether more requests than may miss a bound are rejected, on however many nodes: they are longer
/// than the KV of a replica has room for, or than the model takes. Throws Infeasible if it has
/// none.
bool too_long(const Plan& plan, const Scenario& scenario, const Demand& demand,
              Prospect& prospect) {
  const Dimensions d = dimensions_of(scenario);
  const Tokens room = scenario.serving.engine.block_size * (d.hbm_blocks - 1);
  const Tokens most = std::min(room, d.max_model_len);
  for (std::size_t b = 0; b < plan.bounds.size(); ++b) {
    const Reached& reached = demand.reached[b];
    if (!reached.asked || reached.whole <= most) continue;
    rule_out(prospect, Obstacle::memory,
             static_cast<double>(reached.whole.count()) / static_cast<double>(most.count()),
             fmt::format(
                 "too many requests are longer than the {} tokens that {}: {} is out of "
                 "reach, with {} tokens where it counts",
                 most.count(),
                 room < d.max_model_len ? "KV on a replica has room for" : "max_model_len allows",
                 plan.bounds[b].name(), reached.whole.count()));
    return true;
  }
  return false;
}

}  // namespace

Prospect within_limits(const Plan& plan, const Candidate& candidate) {
  Prospect prospect;
  const std::int64_t most = plan.spec.machines[candidate.machine].most_nodes;
  const auto fits = [&](std::int64_t nodes) {
    const Limit limit = tightest(plan, candidate, nodes);
    return limit.taken <= limit.allowed;
  };
  std::int64_t over = most + 1;
  while (over - prospect.most_nodes > 1) {
    const std::int64_t middle = prospect.most_nodes + (over - prospect.most_nodes) / 2;
    (fits(middle) ? prospect.most_nodes : over) = middle;
  }
  prospect.most_by = tightest(plan, candidate, prospect.most_nodes + 1).obstacle;
  return prospect;
}

Prospect prospect(const Plan& plan, const Candidate& candidate, const Demand& demand) {
  Prospect prospect = within_limits(plan, candidate);
  try {
    if (too_long(plan, candidate.scenario, demand, prospect)) return prospect;
  } catch (const Infeasible& e) {
    rule_out(prospect, Obstacle::memory, std::numeric_limits<double>::infinity(), e.what());
    return prospect;
  }
  const StepFloors floors(candidate.scenario, demand.least_prompt);
  if (too_slow(plan, floors, demand, prospect)) return prospect;
  std::string reason;
  if (demand.tokens_per_second > 0) {
    const double node =
        floors.tokens_per_second() * static_cast<double>(candidate.scenario.serving.replicas);
    const auto least = static_cast<std::int64_t>(std::ceil(demand.tokens_per_second / node));
    if (least > 1) {
      prospect.least_nodes = least;
      prospect.least_by = Obstacle::compute;
      reason = fmt::format("{:.0f} output tokens/s, of which a node makes {:.0f} at most, take ",
                           demand.tokens_per_second, node);
    }
  }
  if (prospect.hopeless()) {
    const Limit limit = tightest(plan, candidate, prospect.least_nodes);
    prospect.excess = limit.taken / limit.allowed;
    prospect.why = reason + (reason.empty() ? "one node that serves takes " : "") + limit.words;
  }
  return prospect;
}

}  // namespace terrace
