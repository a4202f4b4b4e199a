#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/study/plan/bill.hpp"
#include "sim/study/plan/bounds.hpp"
#include "sim/study/plan/plan.hpp"
#include "sim/study/run_store.hpp"

namespace terrace {

/// Of its capacity, what a kind of resource was used on average, all of them together.
struct Utilisation {
  double hbm = 0;  // room for KV, by running requests
  double host_links = 0;
  double dram = 0;
  double drives = 0;
  double network = 0;
};

/// What the simulations of a candidate on its least sufficient number of nodes have shown.
struct Performance {
  std::vector<std::optional<Duration>> slo;  // by bound of the plan
  double requests_per_second = 0;
  double prompt_tokens_per_second = 0;  // computed
  double cached_tokens_per_second = 0;  // found in some tier
  double output_tokens_per_second = 0;
  double prefill_share = 0;  // of the GPUs' busy time; the rest is decode
  double prefix_hit_ratio = 0;
  Utilisation used;
  NodeUse use;  // of a node, at the peak
  DriveNeed drives;
  std::string limit;  // the resource that would be short first
  /// How often all requests inside were replaced while the judged ones came: few times tell little
  /// of a load that goes on.
  double turnovers = 0;
};

/// Whether the run says nothing of a load that goes on: fewer than five turnovers.
bool is_short(const Performance& performance);

struct Evaluation {
  Prospect prospect;
  std::optional<std::int64_t> nodes;   // that suffice, spare ones not counted; none: no number does
  Obstacle obstacle = Obstacle::none;  // if none suffices
  std::string why;                     // in words, with numbers
  double excess = 1;                   // over what is allowed, as far as is known
  std::optional<Performance> performance;
  std::size_t runs = 0;  // simulations, known ones included

  [[nodiscard]] bool meets() const { return nodes.has_value(); }
};

struct PlanProgress {
  std::size_t candidates = 0;
  std::size_t done = 0;
  std::size_t runs = 0;
};

struct PlanOptions {
  std::size_t jobs = 1;
  std::string version;  // of the program: results of another one are not reused
  bool prune = true;    // false: try what the bounds exclude, too, for those who check them
  /// Asked every tenth of a second or so whether to go on.
  std::function<bool(const PlanProgress&)> proceed;
};

struct PlanResults {
  PlanProgress progress;
  std::vector<std::optional<Evaluation>> evaluations;  // by candidate; empty: not there yet

  [[nodiscard]] bool complete() const { return progress.done == progress.candidates; }
};

/// Finds for each candidate the least number of nodes that serves `load` within the SLOs, taking it
/// that more nodes never hurt: one less falls short, and where the most fall short, none is tried
/// between. What memories below HBM differ in begins where the first of its kind has ended. Results
/// do not depend on `jobs`, nor on how often the search was stopped.
PlanResults search(const Plan& plan, double load, RunStore& store, const PlanOptions& options);

}  // namespace terrace
