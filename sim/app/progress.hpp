#pragma once

#include <cstdint>
#include <optional>

#include "sim/app/status_line.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/scenario/simulation.hpp"
#include "sim/study/plan/search.hpp"
#include "sim/study/sweep/sweep.hpp"

namespace terrace::app {

/// Says how far a run is, if the user is at a terminal.
class ProgressLine {
 public:
  /// `wanted`: whether the user wants to see one.
  ProgressLine(const Scenario& scenario, bool wanted);

  /// Looks at the clock, and seldom writes.
  void show(const Progress& progress);

 private:
  StatusLine line_;
  std::optional<std::int64_t> requests_;  // that will come, at most
  std::optional<Duration> duration_;      // in which they will
};

/// Says how far a sweep is: a bar and an estimate at a terminal, else now and then a line.
class SweepLine {
 public:
  explicit SweepLine(bool wanted) : line_(wanted, true) {}
  void show(const SweepProgress& progress);

 private:
  StatusLine line_;
};

/// The same of a search for what to buy.
class PlanLine {
 public:
  explicit PlanLine(bool wanted) : line_(wanted, true) {}
  void show(const PlanProgress& progress);

 private:
  StatusLine line_;
};

}  // namespace terrace::app
