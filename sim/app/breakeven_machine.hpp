#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/app/arguments.hpp"
#include "sim/config/catalogue.hpp"
#include "sim/scenario/scenario.hpp"

namespace terrace::app {

/// A machine that --hw names in place of a GPU, and what it has.
struct NamedMachine {
  std::string name;  // as a scenario has it
  HardwareSpec parts;
};

/// Throws ConfigError if it is wrong; nothing if --hw names a GPU, or nothing there is.
std::optional<NamedMachine> machine_named(const Arguments& arguments,
                                          const config::Catalogue& catalogue);

/// The tiers that --tiers says, or those that have hardware. Throws UsageError unless every tier
/// has its hardware, and all hardware that options name its tier.
std::vector<Medium> tiers_of(const Arguments& arguments,
                             const std::optional<NamedMachine>& machine);

/// What the options say, as a scenario without requests worth speaking of. Throws ConfigError.
Scenario machine_of(const Arguments& arguments, const std::optional<NamedMachine>& machine,
                    const config::Catalogue& catalogue);

}  // namespace terrace::app
