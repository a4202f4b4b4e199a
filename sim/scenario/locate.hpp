#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "sim/config/catalogue.hpp"

namespace terrace {

/// A kind of file that users name on the command line.
struct NamedFile {
  std::string_view what;    // "scenario"
  std::string_view folder;  // of the catalogue, where shipped ones are
};

constexpr NamedFile kScenarioFile{"scenario", "workloads"};
constexpr NamedFile kSweepFile{"sweep", "workloads/sweeps"};
constexpr NamedFile kPlanFile{"plan", "workloads/plans"};

/// Where a file lies, or why it cannot be found.
struct LocatedFile {
  std::optional<std::string> path;
  std::string why;
  std::string hint;  // the nearest one
};

/// What `name` means: a file, looked for in `folder` if the name is relative, or a shipped one.
LocatedFile locate(const NamedFile& kind, const std::string& name,
                   const std::filesystem::path& folder, const config::Catalogue& catalogue);

/// The same from the working directory. Throws ConfigError, with the nearest file if there is none.
std::string find_file(const NamedFile& kind, const std::string& name,
                      const config::Catalogue& catalogue);

}  // namespace terrace
