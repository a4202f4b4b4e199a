#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "sim/metrics/summary.hpp"

namespace terrace {

/// The same scenario with step times at the low end, as they are, and at the high end of what their
/// calibration leaves open.
struct ErrorBars {
  const Summary& low;
  const Summary& base;
  const Summary& high;
};

/// A table of latencies and throughput in the three cases.
[[nodiscard]] std::string error_bar_text(const ErrorBars& bars);

/// By metric: {low, base, high}.
[[nodiscard]] nlohmann::ordered_json error_bar_json(const ErrorBars& bars);

}  // namespace terrace
