#include <csignal>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "sim/app/arguments.hpp"
#include "sim/app/exit_code.hpp"
#include "sim/app/output.hpp"
#include "sim/app/verb.hpp"
#include "sim/base/check.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/des/event_loop.hpp"
#include "sim/kv/capacity.hpp"

namespace terrace::app {
namespace {

/// Whether help is asked for, whatever else may be wrong with the words.
bool wants_help(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word == "--") return false;
    if (word == "--help" || word == "-h") return true;
  }
  return false;
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
  if (wants_help(words)) {
    print(verb_help(verb));
    return ExitCode::ok;
  }
  return verb.run(Arguments(verb, std::move(words)));
}

int failed(const std::string& message, ExitCode code) {
  note("terrace: error: " + message);
  return static_cast<int>(code);
}

/// The only place where an exception becomes a message and an exit status.
int run(const std::vector<std::string>& words) {
  try {
    const ExitCode code = dispatch(words);
    flush();
    return static_cast<int>(code);
  } catch (const UsageError& e) {
    return failed(e.what(), ExitCode::usage);
  } catch (const config::ConfigError& e) {
    std::string message = e.what();  // a compiler's messages: they say where themselves
    if (message.ends_with('\n')) message.pop_back();
    note(message);
    return static_cast<int>(ExitCode::invalid_input);
  } catch (const Infeasible& e) {
    return failed(e.what(), ExitCode::infeasible);
  } catch (const EndOfTime& e) {
    return failed(e.what(), ExitCode::infeasible);
  } catch (const InvariantViolation& e) {
    return failed(
        fmt::format("the simulator contradicted itself: {}\nThis is a bug of terrace, and "
                    "no result can be trusted. Please report the scenario.",
                    e.what()),
        ExitCode::invariant);
  } catch (const std::bad_alloc&) {
    return failed("out of memory", ExitCode::failure);
  } catch (const std::exception& e) {
    return failed(e.what(), ExitCode::failure);
  }
}

}  // namespace
}  // namespace terrace::app

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is a write that fails

  terrace::app::secure_streams();
  return terrace::app::run({argv + (argc > 0 ? 1 : 0), argv + argc});
}
