#pragma once

#include <chrono>
#include <cstddef>
#include <string>

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

/// "[#####...............] 25/100"
std::string bar(std::size_t done, std::size_t all);

/// Simulated or real time as people write it: "12.3 s", "4 min 05 s", "2 h 03 min", "3 d 04 h".
std::string humane(double seconds);

}  // namespace terrace::app
