#pragma once

#include <filesystem>
#include <string_view>

#include <nlohmann/json.hpp>

namespace terrace::calibrate {

/// Whether the text of a NAME.points.json is a calibration whose values can have been measured:
/// medians are positive, units are known, no two ids are alike, sizes are at least one. Throws
/// ConfigError with the file and the ids of the points, of at most kMostMistakes. Nothing is made
/// of what is nested deeper than 64 levels. Returns what measured_run() makes a run of.
nlohmann::ordered_json check_run(const std::filesystem::path& file, std::string_view text);

}  // namespace terrace::calibrate
