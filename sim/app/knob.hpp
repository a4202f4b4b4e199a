#pragma once

#include <string>
#include <vector>

#include "sim/app/arguments.hpp"
#include "sim/config/catalogue.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/study/load/cliff.hpp"

namespace terrace::app {

constexpr Option kVaryOption{"vary", "KEY=RANGE",
                             "what is turned, and from where to where: load=0.5..4"};

struct TurnedKnob {
  Knob knob;
  std::vector<double> values;
  Scenario scenario;  // as the file has it
};

/// --vary of a command line whose first word is the scenario. Throws UsageError if it makes no
/// sense, ConfigError if the scenario is wrong or cannot be set to a value of the range.
TurnedKnob read_knob(const Arguments& arguments, const config::Catalogue& catalogue);

}  // namespace terrace::app
