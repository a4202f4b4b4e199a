// Copies between the host's memory and a GPU's, by size, in each direction and in both at once.

#include <array>
#include <utility>

#include <fmt/format.h>

#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/stop.hpp"
#include "kernels/cuda/transfers.hpp"

namespace terrace::calibrate::family {
namespace {

using namespace literals;
using kernels::HostMemory;
using kernels::Transfer;

constexpr std::array<std::pair<Transfer, std::string_view>, 3> kWays = {
    {{Transfer::to_device, "h2d"}, {Transfer::to_host, "d2h"}, {Transfer::both_ways, "both"}}};
constexpr std::array<std::pair<HostMemory, std::string_view>, 3> kMemories = {
    {{HostMemory::pinned, "pinned"},
     {HostMemory::registered, "registered"},
     {HostMemory::pageable, "pageable"}}};

/// Few batches: the host's memory is allocated and locked for each of them.
constexpr Sampling kSampling{.warmups = 1, .batches = 7, .most_seconds = 0.5};

Sample measure(Bench& bench, HostMemory memory, Transfer way, Bytes size) {
  const auto calls = [&](std::int64_t n) {
    throw_if_interrupted();
    const int rounds = static_cast<int>(n);
    return bench.transfers->copy(memory, way, size, rounds).seconds * static_cast<double>(n);
  };
  return scaled(sample_calls(calls, kSampling), 1e6);
}

/// Of one point; a link of PCIe 4.0 is assumed, and a quarter of it to allocate and lock.
double point_seconds(Bytes size) {
  const double copy = seconds(size / 25_GBps);
  return sampling_seconds(copy, kSampling) + 10 * seconds(size / 6_GBps);
}

std::vector<Bytes> sizes(const Extent& extent) {
  return extent.quick ? std::vector{16_KiB, 1_MiB, 16_MiB, 64_MiB}
                      : std::vector{4_KiB, 64_KiB, 256_KiB, 1_MiB, 4_MiB, 16_MiB, 64_MiB, 256_MiB};
}

std::vector<Measurement> plan(const Extent& extent) {
  std::vector<Measurement> all;
  for (const auto& [memory, kind] : kMemories) {
    for (const auto& [way, direction] : kWays) {
      for (const Bytes size : sizes(extent)) {
        if (size * 8 > extent.memory) continue;
        if (extent.quick && memory != HostMemory::pinned && size != 16_MiB) continue;
        all.push_back({.id = fmt::format("transfer/{}/{}/{}", direction, kind, size.count()),
                       .x = {{"direction", direction}, {"memory", kind}, {"bytes", size.count()}},
                       .cache = "",
                       .unit = "us",
                       .seconds = point_seconds(size),
                       .measure = [=, memory = memory, way = way](
                                      Bench& bench) { return measure(bench, memory, way, size); },
                       .kernels = {CopyPath{memory, way}}});
      }
    }
  }
  return all;
}

}  // namespace

Family transfer() {
  return {.name = "transfer",
          .summary = "copies between the host and the GPU, by direction and kind of memory",
          .needs_gpu = true,
          .plan = plan};
}

}  // namespace terrace::calibrate::family
