#pragma once

#include <filesystem>
#include <string>

#include "calibrate/profile/machine_profile.hpp"

namespace terrace::calibrate {

/// A calibration for people: the environment, laws beside points by family and regime with their
/// gates, parameters with intervals, what was unstable, what was measured and what lies beyond.
std::string profile_text(const MachineProfile& profile, const MeasuredRun& run,
                         const std::string& file);

/// The same for programs.
std::string profile_json(const MachineProfile& profile, const MeasuredRun& run,
                         const std::string& file);

/// points.csv, every point beside its prediction, and a plot of each law's predictions against its
/// points, as FAMILY-LAW.svg. Makes the directory.
void write_profile_files(const MachineProfile& profile, const std::filesystem::path& directory);

}  // namespace terrace::calibrate
