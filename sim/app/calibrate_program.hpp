#pragma once

#include <string>
#include <vector>

#include "sim/app/exit_code.hpp"

namespace terrace::app {

/// Becomes the program terrace-calibrate with these words: the one beside this one, or else the
/// first on the PATH. Returns only by throwing std::runtime_error, if it cannot.
ExitCode become_calibrate(const std::vector<std::string>& words);

}  // namespace terrace::app
