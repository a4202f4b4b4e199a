#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sim/study/validation/spec.hpp"
#include "sim/study/validation/validation.hpp"

namespace terrace::app {

struct JudgedBound {
  ErrorBound bound;
  double error = 0;
  bool met = false;
};

/// A measured run beside its prediction, for every form of report.
struct ValidationReport {
  const Validation& validation;
  const Dimensions& dimensions;
  const Comparison& comparison;
  std::vector<JudgedBound> bounds;  // of --fail-on
};

/// For people: plain text of at most 100 columns.
std::string validation_text(const ValidationReport& report);

/// For programs, indented, with a newline at the end. What is unknown is null.
std::string validation_json(const ValidationReport& report);

/// One row for every request: measured, predicted, errors. Written beside its place and moved
/// there. Throws std::runtime_error if that fails, as do those that follow.
void write_validation_csv(const ValidationReport& report, const std::filesystem::path& path);

/// Makes the directory and writes requests.csv, summary.json and, if TTFT was measured, the plots
/// ttft.svg and ttft_error.svg.
void write_validation(const ValidationReport& report, const std::filesystem::path& directory);

}  // namespace terrace::app
