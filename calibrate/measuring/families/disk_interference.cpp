// What reads of the disk wait while it is written.

#include <optional>

#include <fmt/format.h>

#include "calibrate/measuring/drive_load.hpp"
#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/stop.hpp"

namespace terrace::calibrate::family {
namespace {

using namespace literals;

constexpr Bytes kMostWritten = 6_GiB;  // half a second of the fastest drives of the day
constexpr double kWindow = 0.02;       // seconds
constexpr Sampling kReads{.warmups = 1, .batches = 10, .most_seconds = 0.2};

Sample read_latency(Bench& bench, Bytes io, bool under_writes) {
  std::optional<BackgroundLoad> writes;
  if (under_writes) {
    writes.emplace(*bench.disk, LoadSpec{1_MiB, 16, 100, Order::sequential}, kMostWritten);
  }
  DriveLoad reads(*bench.disk, {.io = io, .seed = 2});
  const auto microseconds = [&] {
    throw_if_interrupted();
    if (writes) static_cast<void>(writes->bytes());  // throws if they failed
    const DriveLoad::Done done = reads.run(kWindow, Bytes::max());
    return 1e6 * done.seconds / static_cast<double>(done.commands);
  };
  return sample(microseconds, kReads);
}

std::vector<Measurement> plan(const Extent& extent) {
  std::vector<Measurement> all;
  if (extent.disk < 1_MiB) return all;
  for (const Bytes io : {4_KiB, 1_MiB}) {
    for (const bool under_writes : {false, true}) {
      const std::string_view load = under_writes ? "write" : "none";
      all.push_back(
          {.id = fmt::format("disk_interference/read/{}/{}", io.count(), load),
           .x = {{"op", "read"}, {"io", io.count()}, {"load", load}},
           .cache = "",
           .unit = "us",
           .seconds = 1.5 * kReads.most_seconds,
           .written = under_writes ? kMostWritten + 32_MiB : 0_B,
           .last = under_writes,
           .measure = [=](Bench& bench) { return read_latency(bench, io, under_writes); }});
    }
  }
  return all;
}

}  // namespace

Family disk_interference() {
  return {.name = "disk_interference",
          .summary = "what reads of the disk wait while it is written",
          .needs_disk = true,
          .plan = plan};
}

}  // namespace terrace::calibrate::family
