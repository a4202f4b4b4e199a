#pragma once

#include <string>
#include <vector>

#include "sim/scenario/scenario.hpp"
#include "sim/study/load/cliff.hpp"

namespace terrace::app {

struct CliffReport {
  const Scenario& scenario;  // its knob where the file has it
  const std::string& knob;
  const Cliff& cliff;
  const std::vector<SloBound>& bounds;  // one at least; those without a limit are only shown
};

std::string cliff_text(const CliffReport& report);
std::string cliff_json(const CliffReport& report);
void write_cliff_csv(const CliffReport& report, const std::string& path);

/// The first bound's figure against the knob, as SVG. Throws UsageError if no point has one.
void write_cliff_plot(const CliffReport& report, const std::string& path);

}  // namespace terrace::app
