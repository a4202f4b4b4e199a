#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/app/arguments.hpp"
#include "sim/app/exit_code.hpp"
#include "sim/app/output.hpp"
#include "sim/app/program.hpp"
#include "sim/app/verb.hpp"

namespace terrace::app {
namespace {

bool is_forwarded(const Verb& verb, const std::vector<std::string>& words) {
  if (verb.forward == nullptr) return false;
  const std::string wanted = "--" + std::string(verb.forward_if);
  return verb.forward_if.empty() || std::find(words.begin(), words.end(), wanted) != words.end();
}

ExitCode dispatch(std::vector<std::string> words) {
  if (words.empty()) throw UsageError("which verb? 'terrace --help' names them");
  const std::string first = words.front();
  words.erase(words.begin());
  if (first == "--help" || first == "-h") return kHelp.run(Arguments(kHelp, words));
  if (first == "--version") return kVersion.run(Arguments(kVersion, words));
  if (first.starts_with('-')) {
    throw UsageError(
        fmt::format("options such as '{}' come after a verb; see 'terrace --help'", first));
  }
  const Verb& verb = find_verb(first);
  if (is_forwarded(verb, words)) return verb.forward(words);
  if (wants_help(words)) {
    print(verb_help(verb));
    return ExitCode::ok;
  }
  return verb.run(Arguments(verb, std::move(words)));
}

}  // namespace
}  // namespace terrace::app

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  return terrace::app::run_program("terrace", [&] { return terrace::app::dispatch(words); });
}
