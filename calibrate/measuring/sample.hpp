#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kernels/steady_clock.hpp"
#include "sim/base/function_ref.hpp"

namespace terrace::calibrate {

/// How often something is measured. The defaults follow the calibration method of the hardware
/// notes: some batches to warm up, then at least so many or so long, whichever comes first.
struct Sampling {
  int warmups = 3;
  int batches = 15;
  int least = 3;                // batches, however long they take: two tell no spread
  double most_seconds = 0.06;   // after the warm-ups
  double unstable = 0.10;       // (p90 - p10) / median above which it is measured once more
  double batch_seconds = 1e-3;  // that calls are put together to last
};

/// What came out: of the batches, in the unit of what was measured.
struct Sample {
  double median = 0;
  double mad = 0;  // median absolute deviation
  double p10 = 0;
  double p90 = 0;
  double min = 0;
  std::int64_t n = 0;            // batches
  std::int64_t calls = 1;        // of a batch
  bool stable = true;            // not so after a second try, either: the value is kept and flagged
  std::vector<double> series{};  // the batches in their order, where that says something
  // What was seen besides, by names that say the unit: "copy_gbs" of copies in flight meanwhile.
  std::vector<std::pair<std::string, double>> beside{};
};

/// Of what the batches measured. REQUIRES: one at least.
Sample sample_of(std::vector<double> batches);

using kernels::steady_seconds;

/// Calls `batch` as `sampling` says; it returns what one batch measured, such as seconds per call.
/// If the first try is unstable there is a second, and what varies less is kept.
Sample sample(FunctionRef<double()> batch, const Sampling& sampling = {});

/// The same with a clock of one's own, which says when `most_seconds` are over.
Sample sample(FunctionRef<double()> batch, const Sampling& sampling, FunctionRef<double()> clock);

/// Seconds per call of what is too short to be timed alone. `calls(n)` does n calls and returns the
/// seconds of all; the batches have as many as last `batch_seconds`.
Sample sample_calls(FunctionRef<double(std::int64_t n)> calls, const Sampling& sampling,
                    FunctionRef<double()> clock);
Sample sample_calls(FunctionRef<double(std::int64_t n)> calls, const Sampling& sampling = {});

/// How long sample_calls() takes, about, if a call takes `call` seconds.
double sampling_seconds(double call, const Sampling& sampling = {});

/// The same in another unit, each of which is `factor` of the old: 1e6 of seconds for microseconds.
Sample scaled(Sample sample, double factor);

}  // namespace terrace::calibrate
