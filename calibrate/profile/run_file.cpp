#include "calibrate/profile/run_file.hpp"

#include <filesystem>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "sim/base/text.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/scenario/locate.hpp"

namespace terrace::calibrate {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".points.json";

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

/// Runs that lie in a folder, without their suffix.
std::vector<std::string> runs_in(const fs::path& folder) {
  std::vector<std::string> all;
  std::error_code failed;
  for (const auto& file : fs::directory_iterator(folder.empty() ? "." : folder, failed)) {
    const std::string name = file.path().filename().string();
    if (name.ends_with(kSuffix)) all.push_back(name.substr(0, name.size() - kSuffix.size()));
  }
  return all;
}

}  // namespace

std::filesystem::path find_run(const std::string& name, const config::Catalogue& catalogue) {
  const std::string with_suffix = name + std::string(kSuffix);
  if (name.ends_with(".json") && is_file(name)) return name;
  if (is_file(with_suffix)) return with_suffix;
  std::vector<std::string> known = runs_in(fs::path(name).parent_path());
  for (const std::string& root : catalogue.roots()) {
    const fs::path folder = fs::path(root) / kMachineFile.folder;
    if (is_file(folder / with_suffix)) return folder / with_suffix;
    for (std::string& run : runs_in(folder)) known.push_back(std::move(run));
  }
  const std::vector<std::string_view> names(known.begin(), known.end());
  std::string hint = did_you_mean(fs::path(name).filename().string(), names);
  if (hint.empty()) hint = "'terrace calibrate --out NAME' writes NAME.points.json";
  throw config::ConfigError(
      fmt::format("{}: error: there is no such calibration; {}\n", name, hint));
}

}  // namespace terrace::calibrate
