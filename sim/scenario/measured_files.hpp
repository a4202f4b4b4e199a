#pragma once

#include <filesystem>
#include <vector>

#include "sim/scenario/scenario.hpp"

namespace terrace {

/// The files of measured times that the scenario's cost model looks for: they are named in the
/// scenario, and what is in them is not. Some may be missing.
std::vector<std::filesystem::path> measured_files(const Scenario& scenario);

}  // namespace terrace
