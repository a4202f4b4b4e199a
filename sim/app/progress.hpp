#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "sim/scenario/scenario.hpp"
#include "sim/scenario/simulation.hpp"

namespace terrace::app {

/// One line on the standard error that says how far a run is, if that is a terminal and the run
/// takes longer than half a second. It is gone when the object is.
class ProgressLine {
 public:
  /// `wanted`: whether the user wants to see one.
  ProgressLine(const Scenario& scenario, bool wanted);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// Looks at the clock, and seldom writes.
  void show(const Progress& progress);

 private:
  using Clock = std::chrono::steady_clock;

  bool on_;
  bool shown_ = false;
  std::optional<std::int64_t> requests_;  // that will come, at most
  std::optional<Duration> duration_;      // in which they will
  Clock::time_point start_;
  Clock::time_point next_;
};

}  // namespace terrace::app
