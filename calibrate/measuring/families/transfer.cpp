// Copies between the host's memory and a GPU's, by size, in each direction and in both at once.

#include <array>

#include <fmt/format.h>

#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/stop.hpp"
#include "calibrate/measuring/words.hpp"
#include "kernels/cuda/transfers.hpp"

namespace terrace::calibrate::family {
namespace {

using namespace literals;
using kernels::HostMemory;
using kernels::Transfer;

constexpr std::array kWays = {Transfer::to_device, Transfer::to_host, Transfer::both_ways};
constexpr std::array kMemories = {HostMemory::pinned, HostMemory::registered, HostMemory::pageable};

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
  for (const HostMemory memory : kMemories) {
    for (const Transfer way : kWays) {
      for (const Bytes size : sizes(extent)) {
        if (size * 8 > extent.memory) continue;
        if (extent.quick && memory != HostMemory::pinned && size != 16_MiB) continue;
        all.push_back(
            {.id = fmt::format("transfer/{}/{}/{}", word(way), word(memory), size.count()),
             .x = {{"direction", word(way)}, {"memory", word(memory)}, {"bytes", size.count()}},
             .cache = "",
             .unit = "us",
             .seconds = point_seconds(size),
             .measure = [=](Bench& bench) { return measure(bench, memory, way, size); },
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
