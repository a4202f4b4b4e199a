#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "sim/scenario/scenario.hpp"
#include "sim/scenario/simulation.hpp"
#include "sim/study/plan/search.hpp"
#include "sim/study/sweep/sweep.hpp"

namespace terrace::app {

/// A line on the standard error that is written over and over, if that is a terminal; it appears
/// after half a second, and is gone when the object is. Elsewhere, if `also_plain`, a line of its
/// own every few seconds.
class StatusLine {
 public:
  StatusLine(bool wanted, bool also_plain);
  ~StatusLine();
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  /// Whether it is time for another text. Looks at the clock.
  [[nodiscard]] bool due();
  void show(std::string text);

  /// Since the beginning, when due() last looked.
  [[nodiscard]] double elapsed_seconds() const;

 private:
  using Clock = std::chrono::steady_clock;

  bool terminal_;
  bool on_;
  bool shown_ = false;
  Clock::time_point start_;
  Clock::time_point now_;
  Clock::time_point next_;
};

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
