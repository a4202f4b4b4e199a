#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/app/exit_code.hpp"

namespace terrace::app {

class Arguments;

/// What a word of the command line may be, for those who complete it.
enum class Words { free, file, directory, choice };

/// `--name VALUE`, or a switch `--name` if `value` is empty.
struct Option {
  std::string_view name;
  std::string_view value;
  std::string_view summary;
  Words words = Words::free;
  bool repeatable = false;
};

/// A word of the command line that belongs to no option.
struct Positional {
  std::string_view name;
  std::string_view summary;
  bool required = true;
  Words words = Words::free;
  std::span<const std::string_view> choices = {};  // of Words::choice
};

/// A thing the program can do. The parser, the help and the completion are all made of this.
struct Verb {
  std::string_view name;
  std::string_view summary;
  std::span<const Positional> positionals;
  std::span<const Option> options;
  std::string_view notes;  // for its help: paragraphs, examples
  ExitCode (*run)(const Arguments&);

  /// Instead of run, for a verb that is a program of its own: takes the words as they are.
  ExitCode (*forward)(const std::vector<std::string>& words) = nullptr;
  /// If there is one, only words with this switch go to `forward`, all others to run.
  std::string_view forward_if = {};
};

/// Every verb, in the order of the help.
std::span<const Verb* const> verbs();

/// The verb of that name. Throws UsageError with the nearest one.
const Verb& find_verb(std::string_view name);

// One per file.
extern const Verb kRun;
extern const Verb kCapacity;
extern const Verb kCliff;
extern const Verb kMrc;
extern const Verb kSweep;
extern const Verb kPlan;
extern const Verb kBreakEven;
extern const Verb kEndurance;
extern const Verb kCalibrate;
extern const Verb kValidate;
extern const Verb kConfig;
extern const Verb kModel;
extern const Verb kFootprint;
extern const Verb kExplain;
extern const Verb kList;
extern const Verb kHw;
extern const Verb kSchema;
extern const Verb kDoctor;
extern const Verb kCompletion;
extern const Verb kVersion;
extern const Verb kHelp;

/// The help of the program, and of one verb.
std::string program_help();
std::string verb_help(const Verb& verb);

}  // namespace terrace::app
