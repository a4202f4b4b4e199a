#include "sim/app/catalogue.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include <fmt/format.h>

namespace terrace::app {
namespace {

namespace fs = std::filesystem;

std::string named_by_user(const std::string& directory, std::string_view how) {
  std::error_code ignored;
  if (fs::is_directory(directory, ignored)) return directory;
  throw UsageError(fmt::format("{}: '{}' is not a directory", how, directory));
}

}  // namespace

std::span<const CatalogueKind> catalogue_kinds() {
  static constexpr CatalogueKind kKinds[] = {{"models", "models"},
                                             {"gpus", "hwprofiles/gpus"},
                                             {"hosts", "hwprofiles/hosts"},
                                             {"ssds", "hwprofiles/ssds"},
                                             {"networks", "hwprofiles/networks"},
                                             {"machines", "hwprofiles/measured"},
                                             {"workloads", "workloads"},
                                             {"sweeps", "workloads/sweeps"},
                                             {"plans", "workloads/plans"}};
  return kKinds;
}

config::Catalogue open_catalogue(const Arguments& arguments) {
  std::vector<std::string> candidates;
  if (const auto chosen = arguments.value(kCatalogOption.name)) {
    candidates.push_back(named_by_user(*chosen, "--catalog"));
  }
  if (const char* chosen = std::getenv("TERRACE_CATALOG"); chosen != nullptr && *chosen != '\0') {
    candidates.push_back(named_by_user(chosen, "TERRACE_CATALOG"));
  }
  // What was installed with the program is its own; one that was not runs where it was built.
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  const fs::path beside = program.parent_path().parent_path() / "share" / "terrace";
  const bool installed = fs::is_directory(beside, ignored);
  candidates.push_back(installed ? beside.string() : TERRACE_SOURCE_DIR);
  candidates.emplace_back(TERRACE_DATA_DIR);

  std::vector<std::string> roots;
  std::vector<fs::path> seen;
  for (const std::string& candidate : candidates) {
    const fs::path place = fs::weakly_canonical(candidate, ignored);
    if (!fs::is_directory(place, ignored)) continue;
    if (std::find(seen.begin(), seen.end(), place) != seen.end()) continue;
    seen.push_back(place);
    roots.push_back(candidate);
  }
  return config::Catalogue(std::move(roots));
}

std::string first_comment(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  if (!line.starts_with('#')) return {};
  const auto begin = line.find_first_not_of("# ");
  return begin == std::string::npos ? std::string() : line.substr(begin);
}

}  // namespace terrace::app
