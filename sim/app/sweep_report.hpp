#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include "sim/study/sweep/plan.hpp"
#include "sim/study/sweep/sweep.hpp"

namespace terrace::app {

/// What a finished sweep says. Nothing depends on threads, the clock, or how often it was resumed.
struct SweepReport {
  const SweepPlan& plan;
  const SweepResults& results;
  std::optional<std::size_t> base;  // the arm that others are compared with
};

/// For people: the ranking, the Pareto front, the comparison, what failed.
std::string sweep_text(const SweepReport& report);

/// The same for programs, of every arm.
std::string sweep_json(const SweepReport& report);

/// runs.csv, a row for every run, and arms.csv, a row for every arm and metric; each appears whole.
void write_sweep_csv(const SweepReport& report, const std::filesystem::path& directory);

/// What would be run, for `--dry-run`.
std::string plan_text(const SweepPlan& plan, const std::string& directory);

}  // namespace terrace::app
