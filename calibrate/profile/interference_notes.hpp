#pragma once

#include "calibrate/profile/part.hpp"

namespace terrace::calibrate {

/// Says in notes what kernels and copies cost each other. No number of a profile holds it:
/// simulations take both for free of each other.
void interference_notes(PartMaker& maker);

}  // namespace terrace::calibrate
