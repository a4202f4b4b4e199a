#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sim/study/plan/plan.hpp"

namespace terrace {

/// What keeps a candidate from being the answer, in the order in which it is looked at.
enum class Obstacle : std::uint8_t {
  none,
  memory,   // the model does not fit into the GPUs of a replica
  latency,  // an idle machine already misses an SLO
  compute,  // even without any waiting the GPUs cannot make so many tokens
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
  std::string why;  // in words with numbers; empty if there is something to simulate

  [[nodiscard]] bool hopeless() const { return least_nodes > most_nodes; }
  /// What pruned it. REQUIRES: hopeless().
  [[nodiscard]] Obstacle obstacle() const;
};

Prospect prospect(const Plan& plan, const Candidate& candidate, double load);

}  // namespace terrace
