#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "sim/base/units.hpp"
#include "sim/workload/spec.hpp"

namespace terrace {

/// Past the end of simulated time: no arrival.
constexpr SimTime kNever = SimTime::max();

/// `at + gap`, or kNever. REQUIRES: gap >= 0.
constexpr SimTime later(SimTime at, Duration gap) { return gap < kNever - at ? at + gap : kNever; }

/// The instants at which an open loop sends, whatever becomes of what it sent.
class ArrivalProcess {
 public:
  virtual ~ArrivalProcess() = default;

  /// The next instant, never before the last one; kNever from the end of time on.
  virtual SimTime next() = 0;
};

/// Poisson    independent exponential gaps
/// gamma      independent gamma gaps; the same mean rate in clumps (cv > 1) or evenly (cv < 1)
/// deterministic  arrival n at exactly n / rate: no drift
/// on_off     Poisson at one of two rates that alternate after exponential times (an MMPP of two
///            states), in its steady state from time 0 on; long-run rate
///            (rate_on * mean_on + rate_off * mean_off) / (mean_on + mean_off)
/// diurnal    Poisson at a rate that follows a sine, by thinning: draw at the peak rate, keep each
///            with probability rate(t) / peak (Lewis & Shedler 1979)
/// REQUIRES: not closed_loop. Draws from the streams "client/NAME/arrivals" and, for the times on
/// and off, "client/NAME/phases".
std::unique_ptr<ArrivalProcess> make_arrivals(const ArrivalSpec& spec, std::uint64_t seed,
                                              std::string_view client);

/// sin(2 pi turns), the same bits on every machine; within 1e-15. REQUIRES: 0 <= turns < 2^52.
double sine_of_turns(double turns);

}  // namespace terrace
