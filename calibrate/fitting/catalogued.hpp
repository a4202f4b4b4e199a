#pragma once

#include <string>
#include <string_view>

#include "sim/app/arguments.hpp"
#include "sim/config/catalogue.hpp"

namespace terrace::calibrate {

/// The option's value. Throws UsageError that points to the help of `verb` if it is not there.
std::string needed(const app::Arguments& arguments, std::string_view verb, std::string_view option);

/// The file of that name in a folder of the catalogue. Throws UsageError with the nearest name, or
/// all there are.
std::string catalogued(const config::Catalogue& catalogue, std::string_view option,
                       std::string_view folder, const std::string& name);

}  // namespace terrace::calibrate
