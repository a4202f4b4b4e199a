#pragma once

#include <string>

#include "sim/metrics/summary.hpp"
#include "sim/report/header.hpp"

namespace terrace {

/// A run for people: plain text of at most 100 columns, ending with the verdict and a newline.
[[nodiscard]] std::string render(const Summary& summary, const ReportHeader& header);

}  // namespace terrace
