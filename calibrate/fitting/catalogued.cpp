#include "calibrate/fitting/catalogued.hpp"

#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sim/app/exit_code.hpp"
#include "sim/base/text.hpp"

namespace terrace::calibrate {

using app::UsageError;

std::string needed(const app::Arguments& arguments, std::string_view verb,
                   std::string_view option) {
  if (auto value = arguments.value(option)) return *std::move(value);
  throw UsageError(fmt::format("--{} is missing; see 'terrace calibrate {} --help'", option, verb));
}

std::string catalogued(const config::Catalogue& catalogue, std::string_view option,
                       std::string_view folder, const std::string& name) {
  if (auto file = catalogue.find(folder, name)) return *std::move(file);
  const std::vector<std::string> all = catalogue.names(folder);
  const std::vector<std::string_view> names(all.begin(), all.end());
  const auto near = closest(name, names);
  throw UsageError(
      near ? fmt::format("--{}: no '{}'; did you mean '{}'?", option, name, *near)
           : fmt::format("--{}: no '{}'; there are {}", option, name, fmt::join(names, ", ")));
}

}  // namespace terrace::calibrate
