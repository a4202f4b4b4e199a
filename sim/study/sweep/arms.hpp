#pragma once

#include <string>
#include <vector>

#include "sim/config/catalogue.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/config/node.hpp"
#include "sim/study/sweep/axes.hpp"
#include "sim/study/sweep/plan.hpp"

namespace terrace {

/// Lays every combination of values over the scenario and reads it. A mistake that a value makes is
/// reported at that value, once, however many combinations it is in.
std::vector<Arm> read_arms(const std::string& scenario_path, const std::string& sweep_path,
                           const config::Node& set, const std::vector<std::string>& sets,
                           const std::vector<SweptAxis>& axes, const config::Catalogue& catalogue,
                           config::Diagnostics& diagnostics);

}  // namespace terrace
