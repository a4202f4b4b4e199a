#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/scenario/scenario.hpp"
#include "sim/study/load/edge.hpp"
#include "sim/study/load/slo.hpp"
#include "sim/study/load/trial.hpp"
#include "sim/study/statistics.hpp"

namespace terrace {

/// How far a search is.
struct CapacityProgress {
  std::size_t runs = 0;        // begun by now
  std::size_t seeds_done = 0;  // the first one alone, then all others together
  std::size_t seeds = 0;
  Edge first;  // of the first seed, as close as it is known: factors on the load
};

struct CapacityOptions {
  std::size_t seeds = 5;    // the scenario's own and those after it
  double precision = 0.02;  // the factor that fails is so little above the one that passes
  std::size_t jobs = 1;
  std::function<bool(const CapacityProgress&)> proceed;  // asked now and then
};

/// What one seed bears: `factor` times the scenario's load, and no more than `beyond` times.
struct SeedCapacity {
  std::int64_t seed = 0;
  double factor = 0;
  double beyond = 0;
  Trial at;     // what it was like at `factor`
  Trial above;  // and at `beyond`, not cut short
  Frequency rate;
  std::optional<double> users;
};

/// The highest load at which a scenario meets its SLO and keeps up.
struct Capacity {
  Scenario scenario;                // as it was searched (see searchable())
  std::vector<SeedCapacity> seeds;  // those of which some load fails; empty if none of the first
  double tried = 0;                 // the largest factor that was, or would have been, tried
  std::size_t runs = 0;

  [[nodiscard]] MeanEstimate factor() const;
  [[nodiscard]] MeanEstimate rate() const;  // requests per second, further turns included
  [[nodiscard]] std::optional<MeanEstimate> users() const;
};

/// The scenario with a number of requests instead of a time to end it, so that a search at any load
/// judges as many: `requests`, or as many as it has itself.
Scenario searchable(const Scenario& scenario, std::optional<std::int64_t> requests);

/// Doubles or halves the load of all clients until the answer changes, and bisects: it passes at
/// `factor`, and fails at no more than (1 + precision) times that. Latencies need not grow with the
/// load, so it may pass again somewhere beyond. Every seed has an edge of its own; all others are
/// looked for from that of the first on. Nothing if `proceed` said no.
///
/// Throws Infeasible if the bounds are missed however little comes, with the figure that misses;
/// else like attempt().
/// REQUIRES: why_contradictory(bounds, scenario) is empty.
std::optional<Capacity> find_capacity(const Scenario& scenario, std::span<const SloBound> bounds,
                                      const CapacityOptions& options);

}  // namespace terrace
