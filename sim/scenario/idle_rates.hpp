#pragma once

#include <vector>

#include "sim/config/diagnostics.hpp"
#include "sim/config/reader.hpp"
#include "sim/scenario/scenario.hpp"

namespace terrace {

/// Efficiencies that were laid over those of the GPU's profile, though the chosen back end of step
/// times does not go by them: mistakes. A profile itself may well have them, for other back ends.
void check_idle_rates(const Scenario& scenario, const std::vector<config::Resolved>& values,
                      config::Diagnostics& diagnostics);

}  // namespace terrace
