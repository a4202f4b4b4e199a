#pragma once

#include <optional>
#include <string>

#include "calibrate/profile/part.hpp"
#include "sim/fabric/hardware.hpp"

namespace terrace::calibrate {

/// The entry of hwprofiles/gpus that the measured GPU is: it has the multiprocessors and about the
/// memory that were found, and its name the same model in it, as "NVIDIA H100 80GB HBM3" and
/// "H100 SXM" have. Of several that one whose words the driver says, then the nearest by memory.
/// Nothing, and a note why, if there is none, or none nearest.
std::optional<GpuSpec> known_gpu(PartMaker& maker);

}  // namespace terrace::calibrate
