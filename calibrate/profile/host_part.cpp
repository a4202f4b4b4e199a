#include "calibrate/profile/host_part.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "calibrate/fitting/link_law.hpp"
#include "calibrate/profile/shape.hpp"
#include "sim/config/diagnostics.hpp"

namespace terrace::calibrate {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;
constexpr double kTrafficOfACopy = 2;  // each byte is read and written

struct Traffic {
  double rate = 0;  // bytes/s, reads and writes added
  std::vector<const MeasuredPoint*> points;
};

/// The best that copies, or else reads, did beyond the caches.
Traffic best_traffic(const PartMaker& maker) {
  Traffic best;
  for (const std::string_view family : {"host_memory", "memory"}) {
    if (family == "memory" && !maker.fact("gpu").empty()) continue;  // that is the device's
    for (const MeasuredPoint* point : points_of(maker.run, family)) {
      const Shape shape(*point);
      const std::string op = shape.text("op");
      if (point->cache == "hot" || (op != "copy" && op != "read")) continue;
      if (maker.may_be_cached({point})) continue;  // no rate of memory
      best.points.push_back(point);
      const double moved = shape.needed("bytes") * (op == "copy" ? kTrafficOfACopy : 1);
      best.rate = std::max(best.rate, moved / seconds_of(*point));
    }
  }
  return best;
}

}  // namespace

HostSpec host_part(PartMaker& maker, const GpuSpec& gpu) {
  HostSpec host;
  const std::string cpu = maker.fact("cpu");
  host.name = cpu.empty() ? "host" : cpu;
  host.sockets = std::max<std::int64_t>(1, std::llround(maker.number("numa_nodes")));
  host.sources["sockets"] = maker.measured("NUMA nodes, as the machine says of itself", {});
  const double memory = maker.number("memory_mib") * kMiB;
  if (memory > 0) {
    host.dram = Bytes{std::llround(memory)};
    host.sources["dram"] = maker.measured("what the machine says of itself", {});
  } else {
    host.dram = gpu.memory;
    host.sources["dram"] = maker.assumed("as much as the device has");
  }
  if (const Traffic best = best_traffic(maker); best.rate > 0) {
    const bool of_one_node = maker.fact("threads_near_gpu") == "true" && host.sockets > 1;
    const double nodes = of_one_node ? static_cast<double>(host.sockets) : 1;
    host.dram_bandwidth = kept(Bandwidth{best.rate * nodes});
    host.sources["dram_bandwidth"] =
        of_one_node
            ? maker.assumed(fmt::format("{} times what was measured of the GPU's NUMA node, {:.4g} "
                                        "GB/s: others' memory was not",
                                        host.sockets, best.rate * 1e-9))
            : maker.measured("the best of copies and reads, reads and writes added", best.points);
  } else {
    host.dram_bandwidth = std::max(gpu.host_link.h2d, gpu.host_link.d2h) * 4;
    host.sources["dram_bandwidth"] = maker.assumed("four times the link of the device");
  }
  assume_unmeasured(maker, host.sources, {"channels", "dram_peak", "power"});
  return host;
}

}  // namespace terrace::calibrate
