#pragma once

#include <cstdint>

#include "sim/base/units.hpp"
#include "sim/fabric/hardware.hpp"

namespace terrace {

// How writes use up flash (JEDEC JESD218: a rating is for five years of random 4 KiB writes).

constexpr Years kRatedLife{5};  // that `dwpd` of a profile holds for

/// Times a day that a drive may be written full: at random, or in large segments.
[[nodiscard]] double rated_per_day(const SsdSpec& ssd, bool sequential);

/// Times that it may be written full before it is worn out.
[[nodiscard]] double rated_fills(const SsdSpec& ssd, bool sequential);

/// Bytes that it may be written at random; Bytes::max() if they cannot be counted.
[[nodiscard]] Bytes rated_writes(const SsdSpec& ssd);

/// Bytes that the flash takes for each byte the host writes at random over a full drive, if the
/// oldest block is always cleaned next: a / (a + W0(-a e^-a)) with a = raw / usable capacity and
/// Lambert's W (Desnoyers 2012; FIFO and LRU cleaning). Relative error below 1e-7 from one part in
/// 10^4 of spare room on. REQUIRES: raw_over_usable > 1.
double write_amplification(double raw_over_usable);

/// Writes to an array of equal drives, spread evenly.
struct WearLoad {
  Bandwidth writes;  // of the host, mean over the day, to all drives together
  std::int64_t drives = 1;
  double amplification = 1;  // of the host's writes on their way to the drives: mirrors, logs
  bool sequential = true;    // large segments, trimmed as a whole: what KV blocks are
};

/// Times a day that each drive is written full.
double drive_writes_per_day(const SsdSpec& ssd, const WearLoad& load);

/// Until the rating is used up. Infinite without writes.
Years life_of(const SsdSpec& ssd, const WearLoad& load);

}  // namespace terrace
