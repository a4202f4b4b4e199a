#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "calibrate/fitting/law_fit.hpp"
#include "sim/base/units.hpp"
#include "sim/fabric/hardware.hpp"

namespace terrace::calibrate {

/// A measurement of a drive: `depth` commands of `io` bytes at random places, always outstanding.
struct DrivePoint {
  Bytes io{};
  std::int64_t depth = 1;  // of all threads together
  double write_share = 0;  // of the bytes: 0 are reads, 1 are writes
  Bandwidth rate{};        // both directions together
};

/// One direction. The fit's parameters are in the order of SsdLaw's fields: seconds, bytes/s, 1/s,
/// bytes/s, 1.
struct DriveLawFit {
  SsdLaw law;
  LawFit fit;
};

/// Of the points with that share, 0 or 1. Regimes: "depth 1", "deeper". Throws ConfigError if there
/// are fewer than six.
DriveLawFit fit_drive_law(std::span<const DrivePoint> points, double write_share);

/// What reads and writes at once cost besides, see SsdSpec. The fit's only parameter is kappa.
struct MixFit {
  double penalty = 0;
  LawFit fit;
};

/// From the mixed points: r/R + w/W = 1 - 4*kappa*f*(1-f), where R and W are the rates of the same
/// commands alone, as measured if they were, else by the laws. Commands that are too few to keep
/// the drive busy in both directions say little: such points count only if there are no others.
/// Nothing if there are fewer than two.
std::optional<MixFit> fit_mix_penalty(std::span<const DrivePoint> points, const SsdLaw& read,
                                      const SsdLaw& write);

/// A stretch of sequential writes that went on and on.
struct WriteWindow {
  double seconds = 0;
  Bytes written{};
};

/// Whether writes get slower when the drive has taken many: caches that are full, blocks that have
/// to be erased.
struct SustainedWrites {
  Bandwidth first{};  // median of the first quarter of the windows
  Bandwidth last{};   // of the last
  Bytes before{};     // written when the last quarter begins
  /// d log(rate) / d terabyte written, by Theil and Sen's median of slopes.
  double slope_per_terabyte = 0;
  bool falls = false;  // last < 0.9 * first
};

/// REQUIRES: at least four windows, each with time and bytes.
SustainedWrites sustained_writes(std::span<const WriteWindow> windows);

}  // namespace terrace::calibrate
