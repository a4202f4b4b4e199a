#pragma once

#include <filesystem>
#include <string>

#include "calibrate/loop/closed_loop.hpp"

namespace terrace::calibrate {

/// The bounds that step and load times are to keep.
constexpr double kMedianBound = 0.10;
constexpr double kP90Bound = 0.25;

/// Whether it does. Where nothing of the kind happened, no bound is kept.
[[nodiscard]] bool keeps_bounds(const ErrorSummary& summary);

/// For people: plain text of at most 100 columns.
std::string loop_text(const LoopResult& result);

/// For programs, indented, with a newline at the end.
std::string loop_json(const LoopResult& result);

/// Makes the directory and writes workloads.csv, summary.json and predicted.svg. Throws
/// std::runtime_error if that fails.
void write_loop(const LoopResult& result, const std::filesystem::path& directory);

}  // namespace terrace::calibrate
