#pragma once

#include <cstdint>

#include "sim/base/units.hpp"
#include "sim/fabric/hardware.hpp"

namespace terrace {

// The measured laws of copy engines and drives, as what a transfer asks of a shared resource. Pure
// arithmetic, the same bits on every machine.

/// Seconds that one copy engine is busy per byte, when every copy has `piece` bytes and the line
/// carries `line` at most: max(1 / line, fixed / piece + 1 / bandwidth).
/// REQUIRES: piece > 0 (an average, so not always whole).
double engine_seconds_per_byte(const DescriptorLaw& law, Bandwidth line, double piece);

/// How software asks a drive for bytes: commands of at most io_size, queue_depth of them at a time.
struct CommandLaw {
  SsdLaw drive;
  Bytes io_size;
  std::int64_t queue_depth = 1;
};

/// Rate that `depth` commands of `io` bytes, always outstanding, get from an otherwise idle drive:
/// the closed-loop law of SsdLaw. About 60 ns unless p is 1 or 2. REQUIRES: io > 0, depth >= 1.
Bandwidth closed_loop_rate(const SsdLaw& law, double io, double depth);

/// What one transfer asks of a drive.
struct DriveDemand {
  double seconds_per_byte = 0;  // of the drive's time
  double limit = 0;             // bytes/s that its own queue depth allows, after the latency
};

/// Of a transfer of `size` bytes that lie in `extents` contiguous runs of equal size.
///
/// The whole takes size / closed_loop_rate at the depth that its commands can fill, so one command
/// alone takes latency + size / stream. The latency passes before the first byte flows; the rest of
/// that time sets the limit. REQUIRES: size > 0, extents > 0.
DriveDemand drive_demand(const CommandLaw& law, Bytes size, std::int64_t extents);

}  // namespace terrace
