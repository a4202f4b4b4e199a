#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "sim/app/arguments.hpp"
#include "sim/app/output.hpp"

namespace terrace::app {
namespace {

constexpr std::array<std::string_view, 1> kShells = {"bash"};

std::string generator(Words words, std::span<const std::string_view> choices) {
  switch (words) {
    case Words::file:
      return "-f";
    case Words::directory:
      return "-d";
    case Words::choice:
      return fmt::format("-W '{}'", fmt::join(choices, " "));
    case Words::free:
      break;
  }
  return {};
}

/// What may follow: after an option that takes a value, or as the n-th word of no option.
std::string cases(const Verb& verb) {
  std::string after;
  std::string names = "--help";
  for (const Option& option : verb.options) {
    names += fmt::format(" --{}", option.name);
    if (option.value.empty()) continue;
    after += fmt::format("        --{}) _terrace_offer {}; return ;;\n", option.name,
                         generator(option.words, {}));
  }
  std::string place;
  for (std::size_t i = 0; i < verb.positionals.size(); ++i) {
    const Positional& word = verb.positionals[i];
    const bool verb_wanted = verb.name == kHelp.name;
    place += fmt::format("        {}) _terrace_offer {} ;;\n", i,
                         verb_wanted ? "-W \"$verbs\"" : generator(word.words, word.choices));
  }
  std::string out = fmt::format("    {})\n", verb.name);
  if (!after.empty()) out += fmt::format("      case \"$prev\" in\n{}      esac\n", after);
  out += fmt::format("      if [[ $cur == -* ]]; then _terrace_offer -W '{}'; return; fi\n", names);
  if (!place.empty()) out += fmt::format("      case \"$words\" in\n{}      esac\n", place);
  return out + "      ;;\n";
}

/// The options of a verb that take a value, to tell their values from words of no option.
std::string value_options() {
  std::string all = " ";
  for (const Verb* verb : verbs()) {
    for (const Option& option : verb->options) {
      const std::string name = fmt::format("--{} ", option.name);
      if (!option.value.empty() && all.find(" " + name) == std::string::npos) all += name;
    }
  }
  return all;
}

std::string bash() {
  std::string names;
  std::string bodies;
  for (const Verb* verb : verbs()) {
    names += fmt::format("{}{}", names.empty() ? "" : " ", verb->name);
    bodies += cases(*verb);
  }
  return fmt::format(R"(# Completion of terrace for bash: source <(terrace completion bash)
_terrace() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}}
  local verbs='{0}' takes_value='{1}' words=0 i
  _terrace_offer() {{ (($# == 0)) || mapfile -t COMPREPLY < <(compgen "$@" -- "$cur"); }}
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then _terrace_offer -W "$verbs --help --version"; return; fi
  for ((i = 2; i < COMP_CWORD; ++i)); do
    [[ ${{COMP_WORDS[i]}} == -* || $takes_value == *" ${{COMP_WORDS[i-1]}} "* ]] || ((++words))
  done
  case "${{COMP_WORDS[1]}}" in
{2}  esac
}}
complete -o filenames -F _terrace terrace
)",
                     names, value_options(), bodies);
}

ExitCode run(const Arguments&) {
  print(bash());
  return ExitCode::ok;
}

constexpr std::array kPositionals = {Positional{"SHELL", "one of", true, Words::choice, kShells}};

}  // namespace

constinit const Verb kCompletion = {
    .name = "completion",
    .summary = "a script that completes the command line in a shell",
    .positionals = kPositionals,
    .options = {},
    .notes = "In ~/.bashrc:\n  source <(terrace completion bash)\n",
    .run = run};

}  // namespace terrace::app
