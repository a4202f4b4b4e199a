#pragma once

#include <string>

#include "calibrate/measuring/points_file.hpp"

namespace terrace::calibrate {

/// How far each kernel was off a reference before it was timed, as a table.
std::string proofs_text(const MeasuredRun& run);

/// Points that failed or were unstable, a line each; those of wrong kernels are told by the proofs.
std::string doubtful_text(const MeasuredRun& run);

}  // namespace terrace::calibrate
