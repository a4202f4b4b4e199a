#pragma once

#include <filesystem>
#include <string>

#include "calibrate/measuring/points_file.hpp"
#include "sim/config/catalogue.hpp"

namespace terrace::calibrate {

/// The points that `name` means: a file, with or without its ".points.json", or those of a shipped
/// machine. Throws ConfigError with the nearest if there is none.
std::filesystem::path find_run(const std::string& name, const config::Catalogue& catalogue);

/// The run in that file, in whose values profiles and reports can trust: see check_run(). Throws
/// ConfigError.
MeasuredRun read_run(const std::filesystem::path& file);

}  // namespace terrace::calibrate
