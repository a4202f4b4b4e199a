#include "sim/scenario/locate.hpp"

#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "sim/base/text.hpp"
#include "sim/config/diagnostics.hpp"

namespace terrace {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPoints = ".points.json";

/// The file that `typed` was most plausibly meant to be, one of its folder or a shipped one.
std::string suggestion(const NamedFile& kind, const fs::path& typed, const fs::path& folder,
                       const config::Catalogue& catalogue) {
  const fs::path path = folder / typed;
  std::vector<std::string> files;
  std::error_code failed;
  const fs::path place = path.has_parent_path() ? path.parent_path() : fs::path(".");
  for (const auto& file : fs::directory_iterator(place, failed)) {
    if (file.path().extension() == ".yaml") files.push_back(file.path().filename().string());
  }
  const std::string wanted = typed.filename().string();
  const std::vector<std::string_view> candidates(files.begin(), files.end());
  if (const auto near = closest(wanted, candidates)) {
    return fmt::format("did you mean '{}'?", (typed.parent_path() / *near).string());
  }
  const std::vector<std::string> shipped = catalogue.names(kind.folder);
  const std::vector<std::string_view> names(shipped.begin(), shipped.end());
  const fs::path name = typed.extension() == ".yaml" ? typed.stem() : typed.filename();
  return did_you_mean(name.string(), names);
}

/// What to say if points are given for the machine that is made of them.
std::string points_given(const std::string& name) {
  const std::string stem = name.substr(0, name.size() - kPoints.size());
  std::error_code ignored;
  if (fs::is_regular_file(stem + ".yaml", ignored)) {
    return fmt::format("{}: error: these are points; did you mean '{}.yaml'?\n", name, stem);
  }
  return fmt::format(
      "{}: error: these are points; 'terrace calibrate report {} --profile {}.yaml' makes a "
      "machine "
      "of them\n",
      name, stem, stem);
}

}  // namespace

LocatedFile locate(const NamedFile& kind, const std::string& name, const fs::path& folder,
                   const config::Catalogue& catalogue) {
  const std::string path = (folder / name).string();
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return {std::nullopt, "this is a directory", {}};
  if (fs::exists(path, ignored)) return {path, {}, {}};
  if (name.find('/') == std::string::npos && !name.ends_with(".yaml")) {
    if (auto shipped = catalogue.find(kind.folder, name)) return {std::move(shipped), {}, {}};
  }
  return {std::nullopt, fmt::format("there is no such {}", kind.what),
          suggestion(kind, name, folder, catalogue)};
}

std::string find_file(const NamedFile& kind, const std::string& name,
                      const config::Catalogue& catalogue) {
  const LocatedFile located = locate(kind, name, {}, catalogue);
  if (located.path) return *located.path;
  throw config::ConfigError(fmt::format("{}: error: {}{}{}\n", name, located.why,
                                        located.hint.empty() ? "" : "; ", located.hint));
}

std::optional<std::string> find_machine(const std::string& name,
                                        const config::Catalogue& catalogue) {
  std::error_code ignored;
  for (const std::string& file : {name, name + ".yaml"}) {
    if (!file.ends_with(".yaml") || !fs::is_regular_file(file, ignored)) continue;
    return file;
  }
  if (catalogue.find(kMachineFile.folder, name)) return name;
  return std::nullopt;
}

std::string machine_called(const std::string& name, const config::Catalogue& catalogue) {
  std::error_code ignored;
  if (fs::is_directory(name, ignored)) {
    throw config::ConfigError(fmt::format("{}: error: this is a directory\n", name));
  }
  if (name.ends_with(kPoints)) throw config::ConfigError(points_given(name));
  if (auto found = find_machine(name, catalogue)) return *std::move(found);
  std::string hint;
  if (catalogue.find("hwprofiles/gpus", name)) {
    hint = fmt::format("'{}' is a GPU: --set hardware.gpu={} puts it into a machine", name, name);
  } else {
    hint = suggestion(kMachineFile, name, {}, catalogue);
  }
  if (hint.empty()) hint = "'terrace calibrate --out NAME' makes one of this machine";
  throw config::ConfigError(
      fmt::format("{}: error: there is no such {}; {}\n", name, kMachineFile.what, hint));
}

}  // namespace terrace
