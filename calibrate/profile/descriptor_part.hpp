#pragma once

#include "calibrate/profile/part.hpp"
#include "sim/fabric/hardware.hpp"

namespace terrace::calibrate {

/// What a small block takes: the law of descriptors of a processor's link, which is its memory.
void descriptors_of_memory(PartMaker& maker, GpuSpec& gpu);
/// The same of a GPU's link.
void descriptors_of_link(PartMaker& maker, GpuSpec& gpu);

}  // namespace terrace::calibrate
