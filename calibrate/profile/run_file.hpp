#pragma once

#include <filesystem>
#include <string>

#include "sim/config/catalogue.hpp"

namespace terrace::calibrate {

/// The points that `name` means: a file, with or without its ".points.json", or those of a shipped
/// machine. Throws ConfigError with the nearest if there is none.
std::filesystem::path find_run(const std::string& name, const config::Catalogue& catalogue);

}  // namespace terrace::calibrate
