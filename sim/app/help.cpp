#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/app/arguments.hpp"
#include "sim/app/output.hpp"

namespace terrace::app {
namespace {

constexpr std::size_t kColumns = 92;

using Rows = std::vector<std::pair<std::string, std::string>>;

/// Two columns, the second wrapped.
std::string table(const Rows& rows) {
  std::size_t width = 0;
  for (const auto& [left, right] : rows) width = std::max(width, left.size());
  std::string out;
  for (const auto& [left, right] : rows) {
    std::string line = fmt::format("  {:<{}}  ", left, width);
    const std::size_t indent = line.size();
    std::size_t begin = 0;
    while (right.size() - begin > kColumns - indent) {
      std::size_t end = right.rfind(' ', begin + kColumns - indent);
      if (end == std::string::npos || end <= begin) break;
      out += line + right.substr(begin, end - begin) + "\n";
      line.assign(indent, ' ');
      begin = end + 1;
    }
    out += line + right.substr(begin) + "\n";
  }
  return out;
}

std::string synopsis(const Verb& verb) {
  std::string out(verb.name);
  for (const Positional& word : verb.positionals) {
    out += word.required ? fmt::format(" {}", word.name) : fmt::format(" [{}]", word.name);
  }
  return out;
}

ExitCode run(const Arguments& arguments) {
  const auto name = arguments.positional(0);
  print(name ? verb_help(find_verb(*name)) : program_help());
  return ExitCode::ok;
}

constexpr std::array kPositionals = {Positional{"VERB", "what to explain", false}};

}  // namespace

constinit const Verb kHelp = {.name = "help",
                              .summary = "explain the program, or one verb",
                              .positionals = kPositionals,
                              .options = {},
                              .notes = "",
                              .run = run};

std::string verb_help(const Verb& verb) {
  std::string out = fmt::format("terrace {}: {}\n\nusage: terrace {}{}\n", verb.name, verb.summary,
                                synopsis(verb), verb.options.empty() ? "" : " [options]");
  Rows words;
  for (const Positional& word : verb.positionals) {
    words.emplace_back(word.name,
                       word.choices.empty()
                           ? std::string(word.summary)
                           : fmt::format("{} {}", word.summary, fmt::join(word.choices, ", ")));
  }
  if (!words.empty()) out += "\n" + table(words);
  Rows options;
  for (const Option& option : verb.options) {
    options.emplace_back(option.value.empty() ? fmt::format("--{}", option.name)
                                              : fmt::format("--{} {}", option.name, option.value),
                         fmt::format("{}{}", option.summary,
                                     option.repeatable ? "; may be given more than once" : ""));
  }
  options.emplace_back("--help", "this text");
  out += "\noptions:\n" + table(options);
  if (!verb.notes.empty()) out += fmt::format("\n{}", verb.notes);
  return out;
}

std::string program_help() {
  std::string out =
      "terrace: where should the KV cache live, and what does it cost to keep it there?\n"
      "Simulates, event by event, LLM serving over a hierarchy of memories.\n\n"
      "usage: terrace VERB [arguments] [options]\n\nverbs:\n";
  Rows rows;
  for (const Verb* verb : verbs()) rows.emplace_back(synopsis(*verb), verb->summary);
  out += table(rows);
  out +=
      "\nStart with 'terrace run quickstart'. 'terrace VERB --help' says more about a verb.\n\n"
      "exit status:\n";
  return out +
         table({{"0", "all went well"},
                {"1", "something could not be read, written or allocated"},
                {"2", "the command line makes no sense"},
                {"3", "a scenario, a profile or a trace is wrong: file:line:column says where"},
                {"4", "the model does not fit the machine"},
                {"5", "a prediction is farther off than --fail-on allows"},
                {"6", "the simulator contradicted itself: a bug, please report it"},
                {"130", "interrupted; partial results were written"}});
}

}  // namespace terrace::app
