#include "sim/app/scenario_options.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sim/config/path.hpp"
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

void check_each_counts(const Arguments& arguments, std::span<const Shorthand> before,
                       std::span<const Shorthand> after) {
  struct Said {
    std::string words;
    std::string key;
    bool set = false;
  };
  std::vector<Said> all;  // in the order in which they are laid over each other
  const auto say = [&](const Shorthand& shorthand) {
    for (const std::string& value : arguments.all(shorthand.option)) {
      all.push_back({fmt::format("--{}{}{}", shorthand.option, value.empty() ? "" : " ", value),
                     std::string(shorthand.key)});
    }
  };
  std::for_each(before.begin(), before.end(), say);
  for (const std::string& set : arguments.all(kSetOption.name)) {
    all.push_back({"--set " + set, set.substr(0, set.find('=')), true});
  }
  std::for_each(after.begin(), after.end(), say);

  for (auto later = all.begin(); later != all.end(); ++later) {
    for (auto earlier = all.begin(); earlier != later; ++earlier) {
      if (!earlier->set && !later->set) continue;
      if (!config::lies_within(earlier->key, later->key)) continue;
      throw UsageError(fmt::format("'{}' has no effect beside '{}'; remove one of them",
                                   earlier->words, later->words));
    }
  }
}

std::vector<std::string> chosen_sets(const Arguments& arguments,
                                     const config::Catalogue& catalogue) {
  constexpr std::array kBefore = {Shorthand{kHwOption.name, "hardware"}};
  check_each_counts(arguments, kBefore);
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
  constexpr std::array kBefore = {Shorthand{kTraceOption.name, "workload.trace.path"}};
  constexpr std::array kAfter = {Shorthand{kSeedOption.name, "seed"}};
  check_each_counts(arguments, kBefore, kAfter);
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
