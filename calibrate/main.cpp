#include <array>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "calibrate/verbs.hpp"
#include "sim/app/arguments.hpp"
#include "sim/app/help_text.hpp"
#include "sim/app/output.hpp"
#include "sim/app/program.hpp"
#include "sim/base/text.hpp"

namespace terrace::calibrate {
namespace {

using app::ExitCode;
using app::UsageError;
using app::Verb;

constexpr std::array kVerbs = {&kReport, &kCompare, &kHere, &kLab, &kFit, &kTables};

/// "fit" of "calibrate fit".
std::string_view last_word(const Verb& verb) { return verb.name.substr(verb.name.rfind(' ') + 1); }

std::string help() {
  app::HelpRows rows;
  for (const Verb* verb : kVerbs) {
    rows.emplace_back(fmt::format("terrace {}", app::synopsis(*verb)), verb->summary);
  }
  return app::verb_help(kMeasure) + "\nverbs:\n" + app::help_table(rows) +
         "\n'terrace calibrate VERB --help' says more about a verb.\n" + app::exit_status_help();
}

const Verb& find_verb(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Verb* verb : kVerbs) {
    if (last_word(*verb) == name) return *verb;
    names.push_back(last_word(*verb));
  }
  const auto near = closest(name, names);
  throw UsageError(
      near ? fmt::format("'terrace calibrate' knows no '{}'; did you mean '{}'?", name, *near)
           : fmt::format("'terrace calibrate' knows no '{}'; there are: {}", name,
                         fmt::join(names, ", ")));
}

ExitCode dispatch(std::vector<std::string> words) {
  if (words.empty()) {
    throw UsageError("--out NAME says where measurements go, and --help what else there is");
  }
  const std::string first = words.front();
  words.erase(words.begin());
  if (first == "--help" || first == "-h" || first == "help") {
    app::print(words.empty() ? help() : app::verb_help(find_verb(words.front())));
    return ExitCode::ok;
  }
  if (first == "--version") {
    app::print("terrace-calibrate " TERRACE_VERSION "\n");
    return ExitCode::ok;
  }
  if (first.starts_with('-')) {
    words.insert(words.begin(), first);
    if (app::wants_help(words)) {
      app::print(help());
      return ExitCode::ok;
    }
    return kMeasure.run(app::Arguments(kMeasure, std::move(words)));
  }
  const Verb& verb = find_verb(first);
  if (app::wants_help(words)) {
    app::print(app::verb_help(verb));
    return ExitCode::ok;
  }
  return verb.run(app::Arguments(verb, std::move(words)));
}

}  // namespace
}  // namespace terrace::calibrate

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  return terrace::app::run_program("terrace calibrate",
                                   [&] { return terrace::calibrate::dispatch(words); });
}
