#include "sim/app/help_text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace terrace::app {
namespace {

constexpr std::size_t kColumns = 92;

}  // namespace

std::string help_table(const HelpRows& rows) {
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

std::string verb_help(const Verb& verb) {
  std::string out = fmt::format("terrace {}: {}\n\nusage: terrace {}{}\n", verb.name, verb.summary,
                                synopsis(verb), verb.options.empty() ? "" : " [options]");
  HelpRows words;
  for (const Positional& word : verb.positionals) {
    words.emplace_back(word.name,
                       word.choices.empty()
                           ? std::string(word.summary)
                           : fmt::format("{} {}", word.summary, fmt::join(word.choices, ", ")));
  }
  if (!words.empty()) out += "\n" + help_table(words);
  HelpRows options;
  for (const Option& option : verb.options) {
    options.emplace_back(option.value.empty() ? fmt::format("--{}", option.name)
                                              : fmt::format("--{} {}", option.name, option.value),
                         fmt::format("{}{}", option.summary,
                                     option.repeatable ? "; may be given more than once" : ""));
  }
  options.emplace_back("--help", "this text");
  out += "\noptions:\n" + help_table(options);
  if (!verb.notes.empty()) out += fmt::format("\n{}", verb.notes);
  return out;
}

std::string exit_status_help() {
  return "\nexit status:\n" +
         help_table(
             {{"0", "all went well"},
              {"1", "something could not be read, written or allocated"},
              {"2", "the command line makes no sense"},
              {"3", "a scenario, a profile or a trace is wrong: file:line:column says where"},
              {"4", "no machine, load or purchase answers the question"},
              {"5", "a prediction is farther off than --fail-on allows"},
              {"6", "the simulator contradicted itself: a bug, please report it"},
              {"130", "interrupted; what was done is written, or said"}});
}

}  // namespace terrace::app
