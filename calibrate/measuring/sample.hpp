#pragma once

#include <cstdint>

#include "sim/base/function_ref.hpp"

namespace terrace::calibrate {

/// How often something is measured. The defaults follow the calibration method of the hardware
/// notes: some batches to warm up, then at least so many or so long, whichever comes first.
struct Sampling {
  int warmups = 3;
  int batches = 15;
  double most_seconds = 0.06;  // after the warm-ups
  double unstable = 0.10;      // (p90 - p10) / median above which it is measured once more
};

/// What came out: of the batches, in the unit of what was measured.
struct Sample {
  double median = 0;
  double mad = 0;  // median absolute deviation
  double p10 = 0;
  double p90 = 0;
  double min = 0;
  std::int64_t n = 0;  // batches
  bool stable = true;  // not so after a second try, either: the value is kept and flagged
};

/// Calls `batch` as `sampling` says; it returns what one batch measured, such as seconds per call.
Sample sample(FunctionRef<double()> batch, const Sampling& sampling = {});

}  // namespace terrace::calibrate
