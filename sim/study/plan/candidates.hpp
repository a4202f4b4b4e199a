#pragma once

#include <string>
#include <vector>

#include "sim/config/catalogue.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/config/node.hpp"
#include "sim/config/reader.hpp"
#include "sim/study/plan/machine.hpp"
#include "sim/study/plan/plan.hpp"

namespace terrace {

/// What candidates are made of: a scenario that is right by itself, and what the plan says.
struct PlanGround {
  std::string scenario_path;
  const config::Node& scenario_tree;  // with what the plan sets laid over it
  const Scenario& scenario;           // the same, read
  const PlanSpec& spec;
  const config::Catalogue& catalogue;
  config::EntryCache& cache;
};

/// Every combination of the lists of spec.machines[index], the drives fastest. Mistakes go to
/// `diagnostics`, each once, at the value that makes it; the candidates are of no use then.
std::vector<Candidate> make_candidates(const PlanGround& ground, std::size_t index,
                                       const Machine& machine, const config::Node& node,
                                       config::Diagnostics& diagnostics);

}  // namespace terrace
