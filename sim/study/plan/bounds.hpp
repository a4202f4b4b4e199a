#pragma once

#include <cstdint>
#include <string>

#include "sim/study/plan/demand.hpp"
#include "sim/study/plan/plan.hpp"

namespace terrace {

/// What keeps a candidate from being the answer, in the order in which it is looked at.
enum class Obstacle : std::uint8_t {
  none,
  memory,   // the model, or requests, do not fit into the GPUs of a replica
  latency,  // an idle machine already misses an SLO
  compute,  // even without any waiting so few GPUs cannot make so many tokens: only of least_by
  nodes,    // more are needed than most_nodes allows
  rack_units,
  power,
  budget,
  slo  // simulated: see which bound
};

/// What is known of a candidate before anything is simulated. All of it is necessary, so that
/// nothing is lost by leaving out what it excludes.
struct Prospect {
  std::int64_t least_nodes = 1;  // that may serve the load; spare ones not counted
  std::int64_t most_nodes = 0;   // that the limits allow, spare ones not counted
  Obstacle least_by = Obstacle::none;
  Obstacle most_by = Obstacle::none;
  std::string why;    // in words with numbers; empty if there is something to simulate
  double excess = 1;  // what is needed at least, over what is allowed; if there is nothing

  [[nodiscard]] bool hopeless() const { return least_nodes > most_nodes; }
  /// What pruned it. REQUIRES: hopeless().
  [[nodiscard]] Obstacle obstacle() const { return most_by; }
};

/// How many nodes the limits allow. They are meant at typical prices: a budget that only the
/// luckiest buyer keeps to would be none.
Prospect within_limits(const Plan& plan, const Candidate& candidate);

/// The same with what no schedule can make up for. `demand`: of this load.
Prospect prospect(const Plan& plan, const Candidate& candidate, const Demand& demand);

}  // namespace terrace
