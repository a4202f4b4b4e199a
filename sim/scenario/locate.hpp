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
constexpr NamedFile kMachineFile{"machine", "hwprofiles/measured"};

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

/// What `name` means as a machine, in a way that Catalogue::find() understands: a file, with or
/// without its ".yaml" as `terrace calibrate --out NAME` leaves it, or a shipped name. Nothing if
/// there is none.
std::optional<std::string> find_machine(const std::string& name,
                                        const config::Catalogue& catalogue);

/// The same for who can use nothing else. Throws ConfigError with the nearest machine, or with what
/// to do if it is the name of a GPU.
std::string machine_called(const std::string& name, const config::Catalogue& catalogue);

}  // namespace terrace
