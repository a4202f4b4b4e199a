#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/app/arguments.hpp"
#include "sim/scenario/scenario.hpp"

namespace terrace::app {

// What every verb that reads a scenario takes.
constexpr Option kSetOption{"set", "KEY=VALUE",
                            "lay a value over the scenario's, as in tiers[0].capacity='1 TiB'",
                            Words::free, true};
constexpr Option kHwOption{"hw", "MACHINE",
                           "replace the scenario's hardware by a measured machine: a name of "
                           "'terrace list machines', or a file",
                           Words::file};
constexpr Option kTraceOption{"trace", "FILE", "replay this trace instead of the workload",
                              Words::file};
constexpr Option kSeedOption{"seed", "N", "seed of all random draws"};

/// The machine that `name` means where a GPU could stand as well, for read_machine(); nothing if it
/// is the name or the file of a GPU, or unknown.
std::optional<std::string> machine_and_no_gpu(const std::string& name,
                                              const config::Catalogue& catalogue);

/// An option that says what a key of the scenario says, too.
struct Shorthand {
  std::string_view option;
  std::string_view key;
};

/// Throws UsageError if some --set has no effect, or takes that of something else away. The options
/// `before` are laid over the scenario before all --set, those `after` after them.
void check_each_counts(const Arguments& arguments, std::span<const Shorthand> before = {},
                       std::span<const Shorthand> after = {});

/// What kHwOption and kSetOption lay over a scenario, in this order. Throws ConfigError, with the
/// nearest machine if there is none, and UsageError if some --set would have no effect: for another
/// one, or for an option that says the same, such as --seed.
std::vector<std::string> chosen_sets(const Arguments& arguments,
                                     const config::Catalogue& catalogue);

/// The scenario that `name` means, with what the options lay over it: a file, or the name of a
/// shipped one as `terrace list workloads` gives it. Without a name but with a trace: the machine
/// of the shipped quickstart. `more_sets` go on top. Throws ConfigError, with the nearest file if
/// there is none.
LoadedScenario load_chosen(const Arguments& arguments, const std::optional<std::string>& name,
                           const config::Catalogue& catalogue,
                           const std::vector<std::string>& more_sets = {});

}  // namespace terrace::app
