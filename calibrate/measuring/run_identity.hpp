#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "calibrate/measuring/session.hpp"

/// What tells one run from another: runs that agree in all of it can go on with each other's
/// journals, and it stands above their points.
namespace terrace::calibrate {

/// The program, and what it was asked for.
nlohmann::ordered_json tool_facts(const MeasuringOptions& options);

/// The disk below a directory, as far as the system tells.
nlohmann::ordered_json disk_facts(const std::filesystem::path& directory);

/// "threads (2, now 4)" for all that two objects do not agree in; empty if they do.
std::string differences(const nlohmann::ordered_json& there, const nlohmann::ordered_json& here);

}  // namespace terrace::calibrate
