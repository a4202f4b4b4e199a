// From the disk to the device by way of the host's memory: blocks of a file are read into slots,
// and each goes on to the device as soon as it is there, while others are read.

#include <fmt/format.h>

#include "calibrate/disk/test_file.hpp"
#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/stop.hpp"
#include "kernels/cuda/transfers.hpp"
#include "kernels/kernel_set.hpp"
#include "sim/base/random.hpp"

namespace terrace::calibrate::family {
namespace {

using namespace literals;

/// Of one transfer, as long as a long context of KV.
constexpr Bytes kTransfer = 64_MiB;

/// Of a GPU's host it is pinned, so that its engines take it from there.
std::shared_ptr<std::byte> slots_of(Bench& bench, Bytes size) {
  if (bench.transfers == nullptr) return io_memory(static_cast<std::size_t>(size.count()));
  return bench.transfers->host_memory(kernels::HostMemory::pinned, size);
}

class Pipeline {
 public:
  Pipeline(Bench& bench, Bytes chunk, unsigned slots)
      : bench_(bench),
        chunk_(chunk),
        slots_(slots),
        host_(slots_of(bench, chunk * slots)),
        device_(bench.kernels.allocate(kTransfer)),
        queue_(*bench.disk, slots) {}

  /// Seconds for a transfer that begins anywhere in the file.
  double run() {
    const std::int64_t chunks = kTransfer.count() / chunk_.count();
    const std::int64_t starts = (bench_.disk->size() - kTransfer).count() / chunk_.count() + 1;
    first_ = static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(starts)));
    const double begin = steady_seconds();
    std::int64_t asked = 0;
    for (; asked < std::min<std::int64_t>(slots_, chunks); ++asked) read(asked, asked);
    for (std::int64_t sent = 0; sent < chunks; ++sent) {
      const auto tag = static_cast<std::int64_t>(queue_.wait());
      const std::int64_t slot = tag % slots_;
      send(tag / slots_, slot);
      if (asked < chunks) read(asked++, slot);
    }
    bench_.kernels.wait();
    return steady_seconds() - begin;
  }

 private:
  [[nodiscard]] std::span<std::byte> memory(std::int64_t slot) const {
    return {host_.get() + slot * chunk_.count(), static_cast<std::size_t>(chunk_.count())};
  }
  void read(std::int64_t chunk, std::int64_t slot) {
    queue_.submit({IoDirection::read, (first_ + chunk) * chunk_.count(), memory(slot),
                   static_cast<std::uint64_t>(chunk * slots_ + slot)});
  }
  void send(std::int64_t chunk, std::int64_t slot) {
    bench_.kernels.upload(device_.get() + chunk * chunk_.count(), memory(slot));
  }

  Bench& bench_;
  Bytes chunk_;
  std::int64_t slots_;
  std::shared_ptr<std::byte> host_;
  std::shared_ptr<std::byte> device_;
  IoQueue queue_;
  Random random_{1, "calibrate/places"};
  std::int64_t first_ = 0;
};

Sample measure(Bench& bench, Bytes chunk, unsigned slots, const Sampling& sampling) {
  Pipeline pipeline(bench, chunk, slots);
  const auto rate = [&] {
    throw_if_interrupted();
    return 1e-9 * static_cast<double>(kTransfer.count()) / pipeline.run();
  };
  return sample(rate, sampling);
}

std::vector<Measurement> plan(const Extent& extent) {
  std::vector<Measurement> all;
  if (extent.disk < kTransfer || extent.memory < kTransfer) return all;
  const Sampling sampling{
      .warmups = 1, .batches = extent.quick ? 5 : 15, .most_seconds = extent.quick ? 0.2 : 0.6};
  for (const Bytes chunk : {1_MiB, 4_MiB}) {
    for (const unsigned slots : {1U, 2U, 4U}) {
      all.push_back(
          {.id = fmt::format("bounce/{}/s{}", chunk.count(), slots),
           .x = {{"chunk", chunk.count()},
                 {"slots", slots},
                 {"bytes", kTransfer.count()},
                 {"memory", extent.gpu ? "pinned" : "host"}},
           .cache = "",
           .unit = "GB/s",
           .seconds = 1.3 * sampling.most_seconds,
           .measure = [=](Bench& bench) { return measure(bench, chunk, slots, sampling); }});
    }
  }
  return all;
}

}  // namespace

Family bounce() {
  return {.name = "bounce",
          .summary = "disk to device by way of the host's memory, by chunk and slots",
          .needs_disk = true,
          .plan = plan};
}

}  // namespace terrace::calibrate::family
