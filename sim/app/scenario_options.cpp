#include "sim/app/scenario_options.hpp"

#include <fmt/format.h>

#include "sim/config/writer.hpp"
#include "sim/scenario/locate.hpp"

namespace terrace::app {
namespace {

constexpr std::string_view kDefault = "quickstart";

}  // namespace

std::optional<std::string> machine_and_no_gpu(const std::string& name,
                                              const config::Catalogue& catalogue) {
  const auto gpu = catalogue.find("hwprofiles/gpus", name);
  if (!gpu) return find_machine(name, catalogue);
  if (*gpu != name) return std::nullopt;
  // A file of the user's: what is in it tells.
  config::Diagnostics unused;
  const config::Node root = config::parse_yaml(name, config::read_text_file(name), unused);
  return root.find("gpu") != nullptr ? std::optional(name) : std::nullopt;
}

std::vector<std::string> chosen_sets(const Arguments& arguments,
                                     const config::Catalogue& catalogue) {
  std::vector<std::string> sets = arguments.all(kSetOption.name);
  if (const auto machine = arguments.value(kHwOption.name)) {
    const std::string name = machine_called(*machine, catalogue);
    sets.insert(sets.begin(), "hardware=" + config::quoted(name));
  }
  return sets;
}

LoadedScenario load_chosen(const Arguments& arguments, const std::optional<std::string>& name,
                           const config::Catalogue& catalogue,
                           const std::vector<std::string>& more_sets) {
  Overrides overrides;
  overrides.sets = chosen_sets(arguments, catalogue);
  overrides.sets.insert(overrides.sets.end(), more_sets.begin(), more_sets.end());
  overrides.seed = arguments.number(kSeedOption.name);
  overrides.trace = arguments.value(kTraceOption.name);
  if (!name && !overrides.trace) {
    throw UsageError(
        fmt::format("which scenario? a file, or a name of 'terrace list workloads', "
                    "such as 'terrace {} {}'",
                    fmt::join(arguments.words(), " "), kDefault));
  }
  return load_scenario(find_file(kScenarioFile, name.value_or(std::string(kDefault)), catalogue),
                       catalogue, overrides);
}

}  // namespace terrace::app
