#include "calibrate/profile/run_file.hpp"

#include <filesystem>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "calibrate/measuring/points_file.hpp"
#include "calibrate/profile/run_check.hpp"
#include "sim/base/text.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/config/node.hpp"
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

/// Where the nearest run lies: beside what was typed, or among those that are shipped.
std::string near_path(const fs::path& typed, std::string_view near) {
  const fs::path beside = typed.parent_path() / near;
  return is_file(beside.string() + std::string(kSuffix)) ? beside.string() : std::string(near);
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
  const fs::path typed(name);
  // Who types the profile's name means the run that it was made of.
  const std::string wanted =
      (typed.extension() == ".yaml" ? typed.stem() : typed.filename()).string();
  std::string hint;
  if (const auto near = closest(wanted, names)) {
    hint = fmt::format("did you mean '{}'?", near_path(typed, *near));
  }
  if (hint.empty()) hint = did_you_mean(wanted, names);
  if (hint.empty()) hint = "'terrace calibrate --out NAME' writes NAME.points.json";
  throw config::ConfigError(
      fmt::format("{}: error: there is no such calibration; {}\n", name, hint));
}

MeasuredRun read_run(const std::filesystem::path& file) {
  const std::string name = file.string();
  return measured_run(name, check_run(file, config::read_text_file(name)));
}

}  // namespace terrace::calibrate
