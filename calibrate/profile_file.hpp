#pragma once

#include <string>

#include "sim/cost/kernel_profile.hpp"

namespace terrace::calibrate {

/// Puts the fit into the profile of that GPU at `path`, in place of one of the same form, dtype and
/// head_dim; the other fits stay. The file changes whole or not at all. Returns whether it replaced
/// one. Throws ConfigError if what stands there is no profile, or one of another GPU, and
/// std::runtime_error if it cannot be written.
bool put_fit(const std::string& path, const std::string& gpu, KernelFit fit);

}  // namespace terrace::calibrate
