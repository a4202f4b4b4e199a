#pragma once

#include "calibrate/profile/part.hpp"
#include "sim/fabric/hardware.hpp"

namespace terrace::calibrate {

/// Fits the link between the device and its host, as far as it was measured: of a GPU, transfers by
/// direction and small blocks; of a processor, copies within its memory, which are what moves KV
/// between its pools. What was not measured stays as it is in `gpu` where the catalogue knows it,
/// and is assumed elsewhere.
void link_part(PartMaker& maker, GpuSpec& gpu);

}  // namespace terrace::calibrate
