#include "sim/fabric/transfer_laws.hpp"

#include <algorithm>
#include <cmath>

#include "sim/base/check.hpp"
#include "sim/base/p_norm.hpp"

namespace terrace {
namespace {

double busy_seconds(const SsdLaw& law, double io) {
  return 1 / law.iops + io / law.bandwidth.count();
}

}  // namespace

double engine_seconds_per_byte(const DescriptorLaw& law, Bandwidth line, double piece) {
  const bool large = piece >= static_cast<double>(law.cutoff.count());
  const double fixed = seconds(large ? law.large_fixed : law.small_fixed);
  const Bandwidth bandwidth = large ? law.large_bandwidth : law.small_bandwidth;
  return std::max(1 / line.count(), fixed / piece + 1 / bandwidth.count());
}

Bandwidth closed_loop_rate(const SsdLaw& law, double io, double depth) {
  const double waiting = (seconds(law.latency) + io / law.stream.count()) / depth;
  return Bandwidth{io / p_norm(waiting, busy_seconds(law, io), law.p)};
}

DriveDemand drive_demand(const CommandLaw& law, Bytes size, std::int64_t extents) {
  TERRACE_CHECK(size > Bytes{0} && extents > 0);
  const auto bytes = static_cast<double>(size.count());
  const double extent = bytes / static_cast<double>(extents);
  const double per_extent = std::ceil(extent / static_cast<double>(law.io_size.count()));
  const double io = extent / per_extent;
  const double commands = per_extent * static_cast<double>(extents);
  const double depth = std::min(static_cast<double>(law.queue_depth), commands);

  const double busy = busy_seconds(law.drive, io) / io;
  const double all = bytes / closed_loop_rate(law.drive, io, depth).count();
  const double flowing = std::max(all - seconds(law.drive.latency), bytes * busy);
  return {busy, bytes / flowing};
}

}  // namespace terrace
