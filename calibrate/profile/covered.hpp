#pragma once

#include <string>
#include <vector>

#include "calibrate/measuring/points_file.hpp"

namespace terrace::calibrate {

/// What was measured of a family: beyond it, its laws are extrapolated.
struct Covered {
  std::string family;
  std::size_t points = 0;  // that have a value
  std::size_t failed = 0;
  std::size_t unstable = 0;
  std::size_t drifted = 0;
  std::vector<std::string> ranges{};  // "m 1 to 1024", "dtype bf16"
};

/// By family, in the order of the run.
std::vector<Covered> covered(const MeasuredRun& run);

}  // namespace terrace::calibrate
