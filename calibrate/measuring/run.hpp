#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/journal.hpp"

namespace terrace::calibrate {

struct Planned {
  const Family* family = nullptr;
  Measurement measurement;
};

/// The points of these families, as far as the machine has what they need.
std::vector<Planned> plan_of(std::span<const Family* const> families, const Extent& extent);

/// "nothing to measure; gds needs --disk DIR": why that plan is empty.
std::string why_nothing(std::span<const Family* const> families, const Extent& extent);

/// Points of the grids that are not planned.
struct LeftOut {
  std::size_t too_large = 0;  // for the memory that is free
  std::size_t too_long = 0;   // a call would take longer than it is worth
};
LeftOut left_out(std::span<const Family* const> families, const Extent& extent);

/// The families of a list such as "gemm,decode_attention". Throws UsageError with the nearest one,
/// or all names if one is empty or there twice.
std::vector<const Family*> chosen_families(std::string_view list,
                                           std::span<const Family* const> all);

/// When the machine is looked at, and when what it does is no longer believed.
struct DriftRule {
  double every = 20;    // seconds between sentinels
  double noted = 0.03;  // a drift worth a word
  double most = 0.10;   // beyond it, points between this sentinel and its neighbours are flagged
};

struct RunProgress {
  std::size_t done = 0;
  std::size_t all = 0;
  double left = 0;      // seconds, about
  std::string_view id;  // of what comes next
};

/// What a run needs of the world.
struct RunWorld {
  std::function<double()> clock;                                          // seconds
  std::function<std::vector<std::pair<std::string, double>>()> sentinel;  // rates
  std::function<bool()> stop;                                             // asked before each point
  std::function<void(const RunProgress&)> progress;
  std::function<std::vector<std::pair<std::string, double>>()> gpu_state{};  // where one is watched
};

/// What is not measured yet, in the order of the seed: first what writes nothing to the disk, as
/// that is busy for a while with what it was given; what is to be last at the end, what writes most
/// behind the others. A run that goes on measures the rest in the same order. Families of kernels
/// that were found wrong are left out.
std::vector<const Planned*> left_of(const std::vector<Planned>& plan, const Progressed& so_far,
                                    std::uint64_t seed);

/// Measures what is left of the plan, and adds it to `so_far` and to the journal; whether it came
/// to its end. A point whose measurement throws is kept with what it says, and not tried again;
/// contradictions (InvariantViolation) go on to the caller, and so does the loss of the device
/// (DeviceLost), behind a point that is kept.
bool measure(const std::vector<Planned>& plan, Bench& bench, std::uint64_t seed,
             const DriftRule& rule, const RunWorld& world, Journal& journal, Progressed& so_far);

/// Compares sentinels with the median of each rate, and flags the points that were measured between
/// one that is off by more than `most` and its neighbours; and so those around one at which the GPU
/// was slowed down for a reason that it did not have at the first.
void judge_drift(std::vector<SentinelReading>& sentinels, std::vector<MeasuredPoint>& points,
                 const DriftRule& rule);

}  // namespace terrace::calibrate
