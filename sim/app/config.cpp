#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "sim/app/arguments.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/output.hpp"
#include "sim/app/scenario_options.hpp"

namespace terrace::app {
namespace {

constexpr std::string_view kSources = ".sources.";
constexpr std::string_view kSource = ".source";

/// "profile.yaml" of "profile.yaml:3:15"; the whole of anything else.
std::string_view file_of(std::string_view origin) {
  for (int i = 0; i < 2; ++i) {
    const auto colon = origin.rfind(':');
    if (colon == std::string_view::npos) break;
    const std::string_view digits = origin.substr(colon + 1);
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) break;
    origin = origin.substr(0, colon);
  }
  return origin;
}

/// Where the numbers of catalogue entries come from, by the path of what they speak for.
class Sources {
 public:
  explicit Sources(const std::vector<config::Resolved>& values) {
    for (const config::Resolved& value : values) {
      if (const auto at = value.path.find(kSources); at != std::string::npos) {
        const std::string subject = value.path.substr(at + kSources.size());
        texts_[value.path.substr(0, at) + "." + subject] = &value;
      } else if (value.path.ends_with(kSource)) {
        texts_[value.path.substr(0, value.path.size() - kSource.size())] = &value;
      }
    }
  }

  static bool is_one(const config::Resolved& value) {
    return value.path.find(kSources) != std::string::npos || value.path.ends_with(kSource);
  }

  /// The text for `value`: its own, or that of what it is part of. A value that was laid over the
  /// entry has none: the entry's author did not vouch for it.
  [[nodiscard]] std::string_view of(const config::Resolved& value) const {
    std::string_view path = value.path;
    while (!path.empty()) {
      if (const auto found = texts_.find(path); found != texts_.end()) {
        const bool same = file_of(found->second->origin) == file_of(value.origin);
        if (!same) return {};
        return found->second->value;
      }
      const auto cut = path.find_last_of(".[");
      path = path.substr(0, cut == std::string_view::npos ? 0 : cut);
    }
    return {};
  }

 private:
  std::map<std::string, const config::Resolved*, std::less<>> texts_;
};

/// No column is ever empty.
std::string_view shown(const config::Resolved& value) {
  if (value.value.empty()) return "''";
  return value.value;
}

std::string explain(const std::vector<config::Resolved>& values) {
  const Sources sources(values);
  std::array<std::size_t, 3> width{};
  for (const config::Resolved& value : values) {
    if (Sources::is_one(value)) continue;
    width = {std::max(width[0], value.path.size()), std::max(width[1], shown(value).size()),
             std::max(width[2], value.origin.size())};
  }
  std::string out;
  for (const config::Resolved& value : values) {
    if (Sources::is_one(value)) continue;
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
constexpr std::array kOptions = {kTraceOption, kSeedOption, kSetOption, kCatalogOption};

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
