#pragma once

#include "calibrate/profile/part.hpp"
#include "calibrate/profile/roofline_fit.hpp"
#include "sim/fabric/hardware.hpp"

namespace terrace::calibrate {

/// The device as a GPU of the simulator: one that the catalogue knows, as it is there; any other,
/// a processor among them, with the rates and efficiencies that a roofline of its points has.
/// Throws ConfigError if there are no products and no streams to tell them from.
GpuSpec device_part(PartMaker& maker);

}  // namespace terrace::calibrate
