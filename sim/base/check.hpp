#pragma once

#include <stdexcept>

namespace terrace {

/// The simulator contradicted itself: a bug of ours, never of the user's input. A program reports
/// it with its own exit code; a sweep records it for the run it broke and goes on with the others.
class InvariantViolation : public std::logic_error {
  using std::logic_error::logic_error;
};

namespace detail {
[[noreturn]] void check_failed(const char* expression, const char* file, int line);
}

}  // namespace terrace

/// States an invariant of the simulator, in every build type: a wrong simulation is worse than a
/// dead one. Never use it on anything a user can write; that is a config error (see sim/config).
#define TERRACE_CHECK(expression)      \
  ((expression) ? static_cast<void>(0) \
                : ::terrace::detail::check_failed(#expression, __FILE__, __LINE__))
