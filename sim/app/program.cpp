#include "sim/app/program.hpp"

#include <csignal>
#include <exception>
#include <new>

#include <fmt/format.h>

#include "sim/app/interrupt.hpp"
#include "sim/app/output.hpp"
#include "sim/base/check.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/des/event_loop.hpp"
#include "sim/kv/capacity.hpp"

namespace terrace::app {

bool wants_help(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word == "--") return false;
    if (word == "--help" || word == "-h") return true;
  }
  return false;
}

int run_program(std::string_view name, FunctionRef<ExitCode()> work) {
  const auto failed = [&](std::string_view message, ExitCode code) {
    note(fmt::format("{}: error: {}", name, message));
    return static_cast<int>(code);
  };
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is a write that fails
  secure_streams();
  end_cleanly_on_signals();
  try {
    const ExitCode code = work();
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

}  // namespace terrace::app
