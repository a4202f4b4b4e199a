#include "sim/app/plan_words.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sim/report/human.hpp"
#include "sim/report/table.hpp"
#include "sim/scenario/cost_spec.hpp"

namespace terrace::app {
namespace {

/// How candidates know how long a step takes, by GPU, and what was not measured.
void add_step_times(const Plan& plan, std::vector<std::string>& lines) {
  std::set<std::string> told;
  for (const Candidate& candidate : plan.candidates) {
    const Scenario& s = candidate.scenario;
    const CostBackend from = backend(s);
    const std::string line =
        fmt::format("step times of {}: {}", s.hardware.gpu.name,
                    from == CostBackend::roofline
                        ? "a roofline over its datasheet, calibrated by nothing"
                        : config::Scalar<CostBackend>::format(from) + " from measurements");
    if (from == CostBackend::constant || !told.insert(line).second) continue;
    lines.push_back(line);
  }
  for (const Candidate& candidate : plan.candidates) {
    for (const std::string& caveat : make_cost_model(candidate.scenario)->caveats()) {
      if (told.insert(caveat).second) lines.push_back(caveat);
    }
  }
}

template <class Price>
void add_price(const SourcedPrice<Price>& price, const char* unit, std::set<std::string>& told,
               std::vector<std::string>& lines) {
  const PriceRange<Price>& r = price.range;
  const std::string line =
      fmt::format("{}: {} ({} to {}){}, {}; {}", price.product, dollars(r.typical.count()),
                  dollars(r.low.count()), dollars(r.high.count()), unit, r.as_of, price.source);
  if (told.insert(line).second) lines.push_back(line);
}

}  // namespace

const char* name_of(Obstacle obstacle) {
  switch (obstacle) {
    case Obstacle::none:
      return "none";
    case Obstacle::memory:
      return "memory";
    case Obstacle::latency:
      return "latency";
    case Obstacle::compute:
      return "compute";
    case Obstacle::nodes:
      return "nodes";
    case Obstacle::rack_units:
      return "rack_units";
    case Obstacle::power:
      return "power";
    case Obstacle::budget:
      return "budget";
    case Obstacle::slo:
      return "slo";
  }
  return "";
}

std::string plural(std::size_t count, const char* what) {
  return fmt::format("{} {}{}", human::count(static_cast<std::int64_t>(count)), what,
                     count == 1 ? "" : "s");
}

std::string dollars(double amount) {
  if (amount >= 999.5) return "$" + human::count(static_cast<std::int64_t>(std::llround(amount)));
  if (amount >= 1 || amount == 0) return fmt::format("${:.2f}", amount);
  return fmt::format("${:#.3g}", amount);
}

std::string percent(double share) { return fmt::format("{:.0f} %", 100 * share); }

std::string watts(Power power) { return fmt::format("{:.1f} kW", power.count() / 1e3); }

std::string life_text(Years years) {
  if (!(years.count() < 1000)) return "for ever";
  return fmt::format("{:.1f} years", years.count());
}

std::string demand_text(const Plan& plan) {
  const DemandSpec& demand = plan.spec.demand;
  const double load = plan.load_after(demand.horizon);
  std::string text =
      fmt::format("Plan {}: {}, {:.4g} times what {} sends", plan.name,
                  plan.candidates.front().scenario.model.name, load, plan.spec.scenario);
  if (load != demand.load) {
    text += fmt::format(": {:.4g} today, {:+.0f} % a year for {:.4g} year{}", demand.load,
                        100 * demand.growth, demand.horizon.count(),
                        demand.horizon == Years{1} ? "" : "s");
  }
  std::vector<std::string> bounds;
  for (const SloBound& bound : plan.bounds) {
    bounds.push_back(fmt::format("{} {}", bound.name(), human::time(seconds(bound.limit))));
  }
  text = paragraph("", text) + paragraph("  within  ", fmt::format("{}", fmt::join(bounds, ", ")));
  const LimitsSpec& limits = plan.spec.limits;
  std::vector<std::string> all;
  if (limits.budget) all.push_back(dollars(limits.budget->count()) + " at typical prices");
  if (limits.power) all.push_back(watts(*limits.power));
  if (limits.rack_units) all.push_back(fmt::format("{} rack units", *limits.rack_units));
  if (limits.spare_nodes > 0) {
    all.push_back(plural(static_cast<std::size_t>(limits.spare_nodes), "node") + " to spare");
  }
  if (!all.empty()) text += paragraph("  limits  ", fmt::format("{}", fmt::join(all, ", ")));
  return text;
}

std::vector<std::string> grounds_of(const Plan& plan) {
  std::vector<std::string> lines;
  add_step_times(plan, lines);
  std::set<std::string> told;
  for (const Candidate& candidate : plan.candidates) {
    const PartPrices& prices = candidate.prices;
    add_price(prices.gpu, "", told, lines);
    add_price(prices.chassis, "", told, lines);
    add_price(prices.dram, " per TB", told, lines);
    if (prices.drive) add_price(*prices.drive, " per TB", told, lines);
  }
  const EconomicsSpec& e = plan.spec.economics;
  lines.push_back(fmt::format(
      "assumed: GPUs are written off over {:.4g} years, hosts over {:.4g}, drives over {:.4g}; "
      "${:.4g} per kWh, PUE {:.4g}, upkeep {:.4g} % of the price a year; the mean load is {:.0f} % "
      "of the peak",
      e.gpu_life.count(), e.host_life.count(), e.drive_life.count(), e.electricity.count(), e.pue,
      100 * e.upkeep, 100 * plan.spec.demand.mean_load));
  for (const std::string& warning : plan.warnings) lines.push_back(warning);
  return lines;
}

}  // namespace terrace::app
