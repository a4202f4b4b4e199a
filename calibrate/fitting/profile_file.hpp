#pragma once

#include <string>

#include "sim/cost/kernel_profile.hpp"

namespace terrace::calibrate {

/// The profile of that GPU at `path`, an empty one if there is no such file. Throws ConfigError if
/// what stands there is no profile, or one of another GPU.
KernelProfile open_profile(const std::string& path, const GpuSpec& gpu);

/// Puts the fit in place of one of the same form, dtype, head_dim and number of GPUs, or beside the
/// others of the profile at `path` as it is now, which others may be writing to as well: the file
/// changes whole or not at all. Returns whether it replaced one. Throws as open_profile() does, and
/// std::runtime_error if it cannot be written.
bool put_fit(const GpuSpec& gpu, KernelFit fit, const std::string& path);

}  // namespace terrace::calibrate
