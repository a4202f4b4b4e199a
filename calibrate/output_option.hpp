#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string_view>

#include "sim/app/arguments.hpp"

namespace terrace::calibrate {

/// The file that `option` asks for, "--csv pairs.csv", if it does. Throws UsageError unless its
/// name ends in `suffix`, so that no points are replaced by a report of them, and if it is one of
/// the `inputs` itself; CannotWrite where it cannot be written. Pipes and devices have any name.
std::optional<std::filesystem::path> output_option(const app::Arguments& arguments,
                                                   std::string_view option, std::string_view suffix,
                                                   std::span<const std::filesystem::path> inputs);

}  // namespace terrace::calibrate
