#pragma once

#include <string>
#include <vector>

#include "calibrate/loop/comparison.hpp"
#include "sim/app/exit_code.hpp"

namespace terrace::calibrate {

/// An error that is not to be larger: "steps_median>10%".
struct ErrorBound {
  std::string name;  // of a summary, with _median, _p90 or _bias
  double limit = 0;
};

/// Throws UsageError, with the nearest name there is.
ErrorBound parse_error_bound(const std::string& text);

/// A line for each bound that is missed; one is, where nothing of the kind happened.
std::vector<std::string> missed(const std::vector<ErrorBound>& bounds,
                                const std::vector<ComparedWorkload>& workloads);

/// bound_missed if a line says so.
inline app::ExitCode exit_code_of(const std::vector<std::string>& missed_bounds) {
  return missed_bounds.empty() ? app::ExitCode::ok : app::ExitCode::bound_missed;
}

}  // namespace terrace::calibrate
