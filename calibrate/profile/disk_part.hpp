#pragma once

#include <optional>

#include "calibrate/profile/part.hpp"
#include "sim/fabric/hardware.hpp"

namespace terrace::calibrate {

/// The disk as a drive of the simulator: its closed-loop laws, and what mixed commands cost.
/// Nothing if it was not measured, or too little of it in either direction, which is noted. A disk
/// that is virtual says so in its name: what it does is no product's doing.
std::optional<SsdSpec> disk_part(PartMaker& maker);

}  // namespace terrace::calibrate
