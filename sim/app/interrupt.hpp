#pragma once

namespace terrace::app {

/// While one of these lives, the first SIGINT or SIGTERM is noted instead of ending the program;
/// the second ends it. A SIGINT that the caller had ignored, as for a job in the background of a
/// script, stays ignored. REQUIRES: there is at most one at a time.
class InterruptWatch {
 public:
  InterruptWatch();
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  [[nodiscard]] static bool interrupted();
};

}  // namespace terrace::app
