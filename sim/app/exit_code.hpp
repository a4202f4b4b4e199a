#pragma once

#include <stdexcept>

namespace terrace::app {

/// What the program tells the shell; a sweep, of its worst run. Documented in `terrace --help`;
/// scripts depend on it.
enum class ExitCode : int {
  ok = 0,
  failure = 1,        // the world: a file that cannot be written, no memory
  usage = 2,          // the command line makes no sense
  invalid_input = 3,  // a scenario, a profile or a trace is wrong; messages say file:line:column
  infeasible = 4,     // the question is right, but no machine, load or purchase answers it
  bound_missed = 5,   // a prediction is farther off than --fail-on allows
  invariant = 6,      // the simulator contradicted itself: a bug of ours
  interrupted = 130   // stopped by a signal; what was done is written, or said
};

/// The command line makes no sense; what() is one line that says what to do about it.
class UsageError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace terrace::app
