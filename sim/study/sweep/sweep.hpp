#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/study/run_store.hpp"
#include "sim/study/sweep/plan.hpp"

namespace terrace {

/// What became of one run of a plan.
struct RunResult {
  RunStatus status = RunStatus::ok;
  std::string error;
  std::vector<std::optional<double>> values;  // by SweepPlan::known; empty if it failed
};

/// How far a sweep has come.
struct SweepProgress {
  std::size_t runs = 0;    // of the plan
  std::size_t reused = 0;  // known from before
  std::size_t done = 0;    // by now, the reused ones included
  std::size_t failed = 0;
};

struct SweepOptions {
  std::size_t jobs = 1;
  std::string version;  // of the program: results of another one are not reused
  /// Asked every tenth of a second or so whether to go on.
  std::function<bool(const SweepProgress&)> proceed;
};

/// The results, in the order of the plan; those not there yet are empty if it was stopped.
struct SweepResults {
  SweepProgress progress;
  std::vector<std::optional<RunResult>> runs;

  [[nodiscard]] bool complete() const { return progress.done == progress.runs; }
};

/// Runs what is missing in the store, on `jobs` threads, and adds it there. The results do not
/// depend on how many there are, nor on how often the sweep was stopped. Runs that fail are
/// results.
SweepResults run_sweep(const SweepPlan& plan, RunStore& store, const SweepOptions& options);

}  // namespace terrace
