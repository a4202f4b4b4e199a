#pragma once

namespace terrace::app {

/// From now on SIGINT, SIGTERM and SIGHUP end the program with ExitCode::interrupted and one line
/// on the standard error, or are noted while an InterruptWatch lives. What the caller ignores, as
/// nohup does a SIGHUP, stays ignored; what the caller left blocked is let through, also what came
/// meanwhile. SIGQUIT keeps its meaning.
void end_cleanly_on_signals();

/// Holds those signals back from the program that is run next in this one's place, until it calls
/// end_cleanly_on_signals() itself: none finds it half loaded.
class SignalsHeld {
 public:
  SignalsHeld();
  ~SignalsHeld();  // there is no other program
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;
};

/// While one of these lives, the first signal is noted instead of ending the program; a second ends
/// it, unless it comes within half a second, as one press of a key or one timeout(1) may be
/// signalled twice. What was noted stays so: who begins another watch is told at once.
/// REQUIRES: end_cleanly_on_signals() was called; there is at most one at a time.
class InterruptWatch {
 public:
  InterruptWatch();
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  [[nodiscard]] static bool interrupted();
};

}  // namespace terrace::app
