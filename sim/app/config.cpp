#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "sim/app/arguments.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/output.hpp"
#include "sim/app/scenario_options.hpp"
#include "sim/app/value_sources.hpp"

namespace terrace::app {
namespace {

/// No column is ever empty.
std::string_view shown(const config::Resolved& value) {
  if (value.value.empty()) return "''";
  return value.value;
}

std::string explain(const std::vector<config::Resolved>& values) {
  const ValueSources sources(values);
  std::array<std::size_t, 3> width{};
  for (const config::Resolved& value : values) {
    if (ValueSources::is_one(value)) continue;
    width = {std::max(width[0], value.path.size()), std::max(width[1], shown(value).size()),
             std::max(width[2], value.origin.size())};
  }
  std::string out;
  for (const config::Resolved& value : values) {
    if (ValueSources::is_one(value)) continue;
    out += fmt::format("{:<{}}  {:<{}}  {:<{}}  {}", value.path, width[0], shown(value), width[1],
                       value.origin, width[2], value.doc);
    const std::string_view source = sources.of(value);
    out += source.empty() ? "\n" : fmt::format(" [{}]\n", source);
  }
  return out;
}

ExitCode run(const Arguments& arguments) {
  const config::Catalogue catalogue = open_catalogue(arguments);
  print(explain(load_chosen(arguments, arguments.positional(1), catalogue).values));
  return ExitCode::ok;
}

constexpr std::array<std::string_view, 1> kActions = {"explain"};
constexpr std::array kPositionals = {
    Positional{"ACTION", "one of", true, Words::choice, kActions},
    Positional{"SCENARIO.yaml", "a file, or a name of 'terrace list workloads'", false,
               Words::file}};
constexpr std::array kOptions = {kTraceOption, kSeedOption, kHwOption, kSetOption, kCatalogOption};

}  // namespace

constinit const Verb kConfig = {
    .name = "config",
    .summary = "every value of a scenario: what it is, what it means, where it came from",
    .positionals = kPositionals,
    .options = kOptions,
    .notes =
        "One line for each value, in columns: key, value with its unit, file:line:column or the\n"
        "option it came from, meaning, and in brackets where the number of a shipped profile\n"
        "was measured, fitted, read off a datasheet, or assumed.\n\n"
        "  terrace config explain quickstart | grep assumed\n"
        "  terrace config explain my.yaml | grep -v ' default '\n",
    .run = run};

}  // namespace terrace::app
