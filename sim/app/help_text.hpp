#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sim/app/verb.hpp"

namespace terrace::app {

using HelpRows = std::vector<std::pair<std::string, std::string>>;

/// Two columns, the second wrapped.
std::string help_table(const HelpRows& rows);

/// The verb and its words: "run SCENARIO".
std::string synopsis(const Verb& verb);

/// What the exit statuses mean.
std::string exit_status_help();

}  // namespace terrace::app
