#pragma once

#include <stdexcept>

#include "sim/app/interrupt.hpp"

namespace terrace::calibrate {

/// For what takes seconds, between its parts: a user who presses ^C should not wait for them.
inline void throw_if_interrupted() {
  if (app::InterruptWatch::interrupted()) throw std::runtime_error("stopped by a signal");
}

}  // namespace terrace::calibrate
