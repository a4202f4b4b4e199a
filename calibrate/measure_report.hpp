#pragma once

#include <string>

#include "calibrate/measuring/session.hpp"

namespace terrace::calibrate {

/// What `calibrate --dry-run` says: by family, how many points, how long, what is written.
std::string plan_text(const Session& session);

/// A line for who waits.
std::string progress_text(const RunProgress& progress);

/// Whether more than half of the points could not be measured.
bool most_failed(const MeasuredRun& run);

/// What is to be known about the quality of what was measured.
std::string findings_text(const MeasuredRun& run);

}  // namespace terrace::calibrate
