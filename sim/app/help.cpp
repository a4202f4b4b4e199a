#include <array>

#include "sim/app/arguments.hpp"
#include "sim/app/help_text.hpp"
#include "sim/app/output.hpp"

namespace terrace::app {
namespace {

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

std::string program_help() {
  std::string out =
      "terrace: where should the KV cache live, and what does it cost to keep it there?\n"
      "Simulates, event by event, LLM serving over a hierarchy of memories.\n\n"
      "usage: terrace VERB [arguments] [options]\n\nverbs:\n";
  HelpRows rows;
  for (const Verb* verb : verbs()) rows.emplace_back(synopsis(*verb), verb->summary);
  return out + help_table(rows) +
         "\nStart with 'terrace run quickstart'. 'terrace VERB --help' says more about a verb.\n" +
         exit_status_help();
}

}  // namespace terrace::app
