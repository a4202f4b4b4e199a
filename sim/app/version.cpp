#include <fmt/format.h>

#include "sim/app/arguments.hpp"
#include "sim/app/output.hpp"

namespace terrace::app {
namespace {

ExitCode run(const Arguments&) {
  print(fmt::format("terrace {}\n", TERRACE_VERSION));
  return ExitCode::ok;
}

}  // namespace

constinit const Verb kVersion = {.name = "version",
                                 .summary = "print the version",
                                 .positionals = {},
                                 .options = {},
                                 .notes = "",
                                 .run = run};

}  // namespace terrace::app
