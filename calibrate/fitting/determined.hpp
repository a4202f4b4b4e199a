#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calibrate/fitting/least_squares.hpp"
#include "calibrate/fitting/resampling.hpp"

namespace terrace::calibrate {

constexpr std::string_view kBandwidth = "bandwidth";  // of the GPU's memory

// A fit always ends somewhere; these tell whether the points had a say in where. Each throws
// ConfigError, with `name` of the points in front, that names the parameter which they do not
// determine. `notes` gets what is odd but harmless, such as a shape that could be another.

/// By the slopes of the times at the solution.
void check_determined(const Problem& problem, const Selection& sample, const Solution& solution,
                      const std::string& name, std::vector<std::string>& notes);

/// By how far resampling moved the parameters.
void check_intervals(const Problem& problem, const Selection& sample, const Solution& solution,
                     std::span<const Interval> intervals, const std::string& name,
                     std::vector<std::string>& notes);

}  // namespace terrace::calibrate
