#include "sim/app/scenario_options.hpp"

#include <filesystem>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/base/text.hpp"
#include "sim/config/diagnostics.hpp"

namespace terrace::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDefault = "quickstart";

/// The file that `typed` was most plausibly meant to be, one of its folder or a shipped one.
std::string suggestion(const std::string& typed, const config::Catalogue& catalogue) {
  const fs::path path(typed);
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::vector<std::string> files;
  std::error_code failed;
  for (const auto& file : fs::directory_iterator(folder, failed)) {
    if (file.path().extension() == ".yaml") files.push_back(file.path().filename().string());
  }
  const std::string wanted = path.filename().string();
  const std::vector<std::string_view> candidates(files.begin(), files.end());
  if (const auto near = closest(wanted, candidates)) {
    return fmt::format("; did you mean '{}'?", (path.parent_path() / *near).string());
  }
  const std::vector<std::string> shipped = catalogue.names("workloads");
  const std::vector<std::string_view> names(shipped.begin(), shipped.end());
  if (const auto near = closest(path.stem().string(), names)) {
    return fmt::format("; did you mean '{}'?", *near);
  }
  return {};
}

std::string scenario_path(const std::string& name, const config::Catalogue& catalogue) {
  std::error_code ignored;
  if (fs::is_directory(name, ignored)) {
    throw config::ConfigError(fmt::format("{}: error: this is a directory\n", name));
  }
  if (fs::exists(name, ignored)) return name;
  if (name.find('/') == std::string::npos && !name.ends_with(".yaml")) {
    if (auto shipped = catalogue.find("workloads", name)) return *std::move(shipped);
  }
  throw config::ConfigError(
      fmt::format("{}: error: there is no such scenario{}\n", name, suggestion(name, catalogue)));
}

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
  return load_scenario(scenario_path(name.value_or(std::string(kDefault)), catalogue), catalogue,
                       overrides);
}

}  // namespace terrace::app
