#include "sim/study/plan/plan.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "sim/config/path.hpp"
#include "sim/scenario/locate.hpp"
#include "sim/study/load/trial.hpp"
#include "sim/study/plan/candidates.hpp"
#include "sim/study/plan/machine.hpp"

namespace terrace {
namespace {

using config::Diagnostics;
using config::Node;
using config::Place;

/// Keys of the scenario that candidates decide.
constexpr std::string_view kDecided[] = {
    "hardware.gpu",     "hardware.kernels",         "hardware.host",
    "hardware.ssd",     "hardware.drives_per_host", "serving.tensor_parallel",
    "serving.replicas", "serving.replicas_per_host"};

void check_set(const PlanSpec& spec, Diagnostics& diagnostics) {
  for (const Node::Member& member : spec.set.members) {
    for (const std::string_view decided : kDecided) {
      const bool part = config::lies_within(member.key, decided);
      if (!part && !config::lies_within(decided, member.key)) continue;
      diagnostics.error(
          member.place,
          part ? fmt::format("the machines decide on '{}'", decided)
               : fmt::format("'{}' holds '{}', on which the machines decide", member.key, decided),
          "remove it, or set its other parts one by one");
      break;
    }
  }
}

/// A tier that has a medium for itself gets what the machine has of it. Of several the capacities
/// matter, as proportions.
void check_tiers(const PlanSpec& spec, const Scenario& scenario, Medium medium,
                 const Place& scenario_place, Diagnostics& diagnostics) {
  std::vector<std::size_t> there;
  bool unlimited = false;
  for (std::size_t i = 0; i < scenario.tiers.size(); ++i) {
    const TierSpec& tier = scenario.tiers[i];
    if (!tier.enabled() || tier.medium != medium) continue;
    there.push_back(i);
    unlimited = unlimited || tier.capacity.unlimited();
  }
  if (there.size() > 1 && unlimited) {
    diagnostics.error(
        scenario_place,
        fmt::format("{} tiers share {}, one of them without limit: their proportions are open",
                    there.size(), config::Scalar<Medium>::format(medium)),
        "give each a capacity");
  }
  if (there.size() != 1) return;
  const Node::Member* set = spec.set.find(fmt::format("tiers[{}].capacity", there[0]));
  if (set == nullptr) return;
  diagnostics.error(set->place,
                    fmt::format("the machines decide on the capacity of tier '{}'",
                                scenario.tiers[there[0]].name),
                    medium == Medium::dram ? "see 'dram' of the machines, and shares.dram"
                                           : "see 'drives' of the machines, and shares.drives");
}

void check_names(const std::vector<Machine>& machines, const Node& list, Diagnostics& diagnostics) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < machines.size(); ++i) {
    if (names.insert(machines[i].name).second) continue;
    diagnostics.error(place_of(list.items[i], "name"),
                      fmt::format("two machines are called '{}'", machines[i].name),
                      "give each a 'name' of its own");
  }
}

void check_size(const std::vector<Machine>& machines, const Place& place, std::size_t most,
                Diagnostics& diagnostics) {
  std::size_t candidates = 0;
  for (const Machine& machine : machines) candidates += machine.combinations();
  if (candidates <= most) return;
  diagnostics.error(
      place, fmt::format("these machines make {} candidates, more than {}", candidates, most),
      fmt::format("say --max-candidates {} if they are meant", candidates));
}

std::vector<SloBound> read_bounds(const PlanSpec& spec, const Node& root, const Scenario& scenario,
                                  Diagnostics& diagnostics) {
  if (spec.demand.slo.empty()) {
    std::vector<SloBound> own = slo_of(scenario, 0.99);
    if (own.empty()) {
      diagnostics.error(place_of(root, "demand"),
                        "nothing says how soon answers must come: no client of the scenario has an "
                        "SLO",
                        "as in demand: {slo: [ttft_p99=2s, tpot_p99=50ms]}");
    }
    return own;
  }
  const Node& demand = root.find("demand")->value;
  std::vector<SloBound> bounds;
  for (std::size_t i = 0; i < spec.demand.slo.size(); ++i) {
    auto parsed = parse_slo(spec.demand.slo[i]);
    const Place& place = item_of(demand, "slo", i).place;
    if (!parsed.value) {
      diagnostics.error(place, fmt::format("'{}' is no SLO", spec.demand.slo[i]), parsed.why);
      continue;
    }
    bounds.insert(bounds.end(), parsed.value->begin(), parsed.value->end());
    const std::string why = why_contradictory(bounds, scenario);
    if (why.empty()) continue;
    diagnostics.error(place, why);
    break;  // those that follow would be told the same
  }
  return bounds;
}

/// Shares of memories that hold no KV are knobs without effect.
void check_shares(const PlanSpec& spec, const Node& root, const Scenario& scenario,
                  Diagnostics& diagnostics) {
  const Node::Member* shares = root.find("shares");
  if (shares == nullptr) return;
  const auto check = [&](const char* key, Medium medium) {
    const bool held =
        std::any_of(scenario.tiers.begin(), scenario.tiers.end(),
                    [&](const TierSpec& tier) { return tier.enabled() && tier.medium == medium; });
    if (held || shares->value.find(key) == nullptr) return;
    diagnostics.error(
        shares->value.find(key)->place,
        fmt::format("'{}' has no effect: no tier of {} lies there", key, spec.scenario),
        "remove it, or add a tier to the scenario");
  };
  check("dram", Medium::dram);
  check("drives", Medium::nvme);
}

/// A quantile of few requests says nothing that machines should be bought by.
void check_length(const std::vector<SloBound>& bounds, const Scenario& scenario,
                  const Place& scenario_place, Diagnostics& diagnostics) {
  const auto most = most_requests(scenario.workload);
  const std::size_t needed = requests_needed(bounds);
  if (!most || static_cast<std::size_t>(*most) >= needed) return;
  diagnostics.error(scenario_place,
                    fmt::format("{} requests are too few for these SLOs: it takes {} at least, as "
                                "half of them may be left out as warm-up",
                                *most, needed),
                    fmt::format("as in set: {{workload.max_requests: {}}}", 10 * needed));
}

void warn_of_unpriced(const Scenario& scenario, std::vector<std::string>& warnings) {
  for (const TierSpec& tier : scenario.tiers) {
    if (!tier.enabled() || tier.medium != Medium::network) continue;
    warnings.push_back(fmt::format(
        "tier '{}' lies on the network: what its store costs is on no bill", tier.name));
  }
}

}  // namespace

Scenario Candidate::on(std::int64_t nodes, double load) const {
  Scenario larger = scaled_load(scenario, load);
  larger.serving.replicas = *scenario.serving.replicas_per_host * nodes;
  return larger;
}

double Plan::load_after(Years years) const {
  return spec.demand.load * std::pow(1 + spec.demand.growth, years.count());
}

Plan load_plan(const std::string& path, const config::Catalogue& catalogue,
               const PlanOverrides& overrides) {
  return parse_plan(path, config::read_text_file(path), catalogue, overrides);
}

Plan parse_plan(const std::string& path, const std::string& text,
                const config::Catalogue& catalogue, const PlanOverrides& overrides) {
  Diagnostics diagnostics;
  Node root = config::parse_yaml(path, text, diagnostics);
  for (const std::string& set : overrides.sets) config::apply_override(root, set, diagnostics);
  diagnostics.raise();
  Plan plan;
  plan.name = std::filesystem::path(path).stem().string();
  plan.text = text;
  for (const std::string& set : overrides.sets) plan.text += fmt::format("# --set {}\n", set);
  config::Reader(root, "the plan", catalogue, diagnostics).read(plan.spec);
  const Place scenario_place = place_of(root, "scenario");
  const auto located = locate(kScenarioFile, plan.spec.scenario,
                              std::filesystem::path(path).parent_path(), catalogue);
  if (!located.path && root.find("scenario") != nullptr) {
    diagnostics.error(scenario_place, located.why, located.hint);
  }
  check_set(plan.spec, diagnostics);
  diagnostics.raise();

  config::EntryCache cache;
  Node tree = config::parse_yaml(*located.path, config::read_text_file(*located.path), diagnostics);
  for (const Node::Member& member : plan.spec.set.members) {
    config::apply_override(tree, member.key, member.value, member.place, diagnostics);
  }
  diagnostics.raise();
  const Scenario scenario =
      read_scenario(*located.path, tree, catalogue, diagnostics, &cache).scenario;
  diagnostics.raise();
  check_tiers(plan.spec, scenario, Medium::dram, scenario_place, diagnostics);
  check_tiers(plan.spec, scenario, Medium::nvme, scenario_place, diagnostics);
  check_shares(plan.spec, root, scenario, diagnostics);
  plan.bounds = read_bounds(plan.spec, root, scenario, diagnostics);
  check_length(plan.bounds, scenario, scenario_place, diagnostics);
  warn_of_unpriced(scenario, plan.warnings);

  const Node& list = root.find("machines")->value;
  if (list.items.empty()) {
    diagnostics.error(list.place, "a plan needs a machine at least",
                      "as in - {gpu: h200-sxm, host: dual-xeon-ddr5-2tib}");
  }
  const MachineContext context{scenario, plan.name + ".yaml", catalogue,
                               cache,    diagnostics,         plan.warnings};
  std::vector<Machine> machines;
  for (std::size_t i = 0; i < plan.spec.machines.size(); ++i) {
    machines.push_back(read_machine(plan.spec.machines[i], list.items[i], context));
  }
  diagnostics.raise();
  check_names(machines, list, diagnostics);
  check_size(machines, list.place, overrides.most_candidates, diagnostics);
  diagnostics.raise();

  const PlanGround ground{*located.path, tree, scenario, plan.spec, catalogue, cache};
  for (std::size_t i = 0; i < machines.size(); ++i) {
    plan.spec.machines[i].name = machines[i].name;
    for (Candidate& candidate :
         make_candidates(ground, i, machines[i], list.items[i], diagnostics)) {
      plan.candidates.push_back(std::move(candidate));
    }
  }
  diagnostics.raise();
  return plan;
}

}  // namespace terrace
