#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "calibrate/labs/real_machine.hpp"
#include "sim/base/function_ref.hpp"
#include "sim/fabric/hardware.hpp"
#include "sim/scenario/scenario.hpp"

namespace terrace::calibrate {

/// How long moves of so many blocks took, as medians.
using MoveTimes = std::map<std::int64_t, Duration>;

struct MeasuredMoves {
  MoveTimes from_memory;
  MoveTimes to_memory;
  MoveTimes from_file;  // to the pool
  MoveTimes to_file;
};

/// Moves blocks of the machine's tiers, of `slots` each at least, in the ways in which an engine
/// does: 1, 2, 4 ... 64 at a time, so often. `between` does what the machine does between moves in
/// service, a step, that caches may hold what they hold then. Nothing else may use the machine.
MeasuredMoves measure_moves(labs::Machine& machine, std::int64_t pool, std::int64_t slots,
                            int repeats, std::uint64_t seed, FunctionRef<void()> between);

/// A copy's time is latency + blocks * block / rate.
struct CopyLaw {
  Duration latency{};
  Bandwidth rate;
};
CopyLaw copy_law(const MoveTimes& times, Bytes block);

/// The drive's law at one size of commands, of which `depth` are in flight at most.
SsdLaw file_law(const MoveTimes& times, Bytes block, std::int64_t depth);

/// The machine as the simulator wants it: a "GPU" whose memory is the pool, and whose link to its
/// host are copies within memory; a drive that is the file. Neither memory nor drive is ever full.
HardwareSpec machine_of(const MeasuredMoves& moves, Bytes block, std::int64_t depth);

}  // namespace terrace::calibrate
