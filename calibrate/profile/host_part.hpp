#pragma once

#include "calibrate/profile/part.hpp"
#include "sim/fabric/hardware.hpp"

namespace terrace::calibrate {

/// The host around the device: its DRAM, and what copies of all threads together reach.
HostSpec host_part(PartMaker& maker, const GpuSpec& gpu);

}  // namespace terrace::calibrate
