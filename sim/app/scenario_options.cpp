#include "sim/app/scenario_options.hpp"

#include <fmt/format.h>

#include "sim/scenario/locate.hpp"

namespace terrace::app {
namespace {

constexpr std::string_view kDefault = "quickstart";

}  // namespace

LoadedScenario load_chosen(const Arguments& arguments, const std::optional<std::string>& name,
                           const config::Catalogue& catalogue,
                           const std::vector<std::string>& more_sets) {
  Overrides overrides;
  overrides.sets = arguments.all(kSetOption.name);
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
