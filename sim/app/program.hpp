#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/app/exit_code.hpp"
#include "sim/base/function_ref.hpp"

namespace terrace::app {

/// Whether help is asked for, whatever else may be wrong with the words.
bool wants_help(const std::vector<std::string>& words);

/// Does the work of the program of that name and says what to tell the shell. The only place where
/// an exception becomes a message and an exit status.
int run_program(std::string_view name, FunctionRef<ExitCode()> work);

}  // namespace terrace::app
