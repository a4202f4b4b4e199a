#pragma once

#include <optional>

#include "calibrate/profile/part.hpp"
#include "sim/cost/kernel_profile.hpp"
#include "sim/fabric/hardware.hpp"

namespace terrace::calibrate {

/// The laws of a GPU's or a processor's kernels, by the forms of sim/cost/forms/: one for each
/// family, type and, on a GPU, head_dim that has points enough. Nothing, with notes why, if
/// products, decode and prefill do not all have one: a profile that has only some would mix them
/// with another engine's. Families that are fitted give way to these in `maker`.
std::optional<KernelProfile> kernel_part(PartMaker& maker, const GpuSpec& gpu);

}  // namespace terrace::calibrate
