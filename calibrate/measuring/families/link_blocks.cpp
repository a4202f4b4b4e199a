// Blocks that lie anywhere in a GPU's memory, from and to a run of the host's, by each way there
// is: what the tier below a GPU's memory is worth. One point searches for the size at which one
// call for all of them changes its law.

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/law_change.hpp"
#include "calibrate/measuring/stop.hpp"
#include "calibrate/measuring/words.hpp"
#include "kernels/cuda/transfers.hpp"

namespace terrace::calibrate::family {
namespace {

using namespace literals;
using kernels::BlockPath;
using kernels::BlockTransfer;
using kernels::Transfer;

constexpr std::array kPaths = {BlockPath::loop, BlockPath::batch, BlockPath::staged,
                               BlockPath::zero_copy};
constexpr std::array kWays = {Transfer::to_device, Transfer::to_host};

constexpr Bytes kMost = 256_MiB;  // of all blocks: memory is allocated and locked for each batch
constexpr Sampling kSampling{.warmups = 1, .batches = 3, .most_seconds = 0.1};
constexpr std::int64_t kSearched = 512;  // blocks

/// Microseconds of all blocks. What keeps the host longer than the device takes as long as the
/// host.
Sample measure(Bench& bench, const BlockTransfer& transfer) {
  const auto calls = [&](std::int64_t n) {
    throw_if_interrupted();
    const auto time = bench.transfers->blocks(transfer, static_cast<int>(n));
    return std::max(time.seconds, time.enqueue_seconds) * static_cast<double>(n);
  };
  return scaled(sample_calls(calls, kSampling), 1e6);
}

/// The search's point is that of the size it found; what else it tried stands beside it.
Sample search(Bench& bench, Transfer way) {
  std::vector<std::pair<Bytes, Sample>> tried;
  const auto seconds = [&](Bytes size) {
    tried.emplace_back(size, measure(bench, {BlockPath::batch, way, kSearched, size}));
    return tried.back().second.median * 1e-6;
  };
  const LawChange change = find_law_change(seconds, {4_KiB, 8_KiB, 128_KiB, 256_KiB, 1_KiB});
  const auto at = std::find_if(tried.begin(), tried.end(), [&](const auto& one) {
    return one.first == change.at.value_or(tried.back().first);
  });
  Sample sample = at->second;
  sample.beside.emplace_back("cutoff_bytes",
                             change.at ? static_cast<double>(change.at->count()) : 0.0);
  for (const auto& [size, one] : tried) {
    sample.beside.emplace_back(fmt::format("us_of_{}", size.count()), one.median);
    sample.stable = sample.stable && one.stable;
  }
  return sample;
}

/// Of one point; a link of PCIe 4.0 and calls of 3 us are assumed, and 2 GB/s to allocate.
double point_seconds(const BlockTransfer& b) {
  const double all = static_cast<double>((b.size * b.blocks).count());
  const double call = 3e-6 * static_cast<double>(b.path == BlockPath::loop ? b.blocks : 2);
  return sampling_seconds(std::max(call, all / 25e9), kSampling) + 6 * all / 2e9;
}

std::vector<Measurement> plan(const Extent& extent) {
  std::vector<Measurement> all;
  const auto sizes =
      extent.quick ? std::vector{8_KiB, 32_KiB, 256_KiB}
                   : std::vector{2_KiB, 8_KiB, 16_KiB, 24_KiB, 32_KiB, 64_KiB, 256_KiB, 2048_KiB};
  const auto counts = extent.quick ? std::vector<std::int64_t>{512}
                                   : std::vector<std::int64_t>{16, 128, 1024, 8192};
  for (const BlockPath path : kPaths) {
    for (const Transfer way : kWays) {
      for (const Bytes size : sizes) {
        for (const std::int64_t count : counts) {
          const BlockTransfer b{path, way, count, size};
          if (size * count > kMost || size * count * 8 > extent.memory) continue;
          all.push_back({.id = fmt::format("link_blocks/{}/{}/{}/n{}", word(path), word(way),
                                           size.count(), count),
                         .x = {{"op", word(path)},
                               {"direction", word(way)},
                               {"fragment", size.count()},
                               {"blocks", count}},
                         .cache = "",
                         .unit = "us",
                         .seconds = point_seconds(b),
                         .measure = [b](Bench& bench) { return measure(bench, b); },
                         .kernels = {BlocksPath{path, way}}});
        }
      }
    }
  }
  for (const Transfer way : kWays) {
    if (256_KiB * kSearched * 8 > extent.memory) continue;
    all.push_back({.id = fmt::format("link_blocks/search/{}", word(way)),
                   .x = {{"op", "search"}, {"direction", word(way)}, {"blocks", kSearched}},
                   .cache = "",
                   .unit = "us",
                   .seconds = 11 * point_seconds({BlockPath::batch, way, kSearched, 64_KiB}),
                   .measure = [way](Bench& bench) { return search(bench, way); },
                   .kernels = {BlocksPath{BlockPath::batch, way}}});
  }
  return all;
}

}  // namespace

Family link_blocks() {
  return {.name = "link_blocks",
          .summary = "many blocks of KV between the host and the GPU, by each way there is",
          .needs_gpu = true,
          .plan = plan};
}

}  // namespace terrace::calibrate::family
