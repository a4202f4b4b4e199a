#pragma once

namespace terrace::app {

/// While one of these lives, the first SIGINT or SIGTERM is noted instead of ending the program;
/// a second ends it, unless it comes within half a second, as one press of a key or one timeout(1)
/// may be signalled twice. A SIGINT that the caller had ignored, as for a job in the background of
/// a script, stays ignored. REQUIRES: there is at most one at a time.
class InterruptWatch {
 public:
  InterruptWatch();
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  [[nodiscard]] static bool interrupted();
};

}  // namespace terrace::app
