#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "sim/config/catalogue.hpp"

namespace terrace {

/// Where a scenario lies, or why it cannot be found.
struct LocatedScenario {
  std::optional<std::string> path;
  std::string why;
  std::string hint;  // the nearest one
};

/// What `name` means: a file, looked for in `folder` if the name is relative, or the name of a
/// shipped scenario.
LocatedScenario locate_scenario(const std::string& name, const std::filesystem::path& folder,
                                const config::Catalogue& catalogue);

}  // namespace terrace
