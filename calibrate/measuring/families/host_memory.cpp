// Memory of the host, whatever the device: copies by size and threads, and how long one load takes
// that nothing foretells.

#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include "calibrate/measuring/families/family.hpp"
#include "kernels/cpu/cpu_set.hpp"
#include "kernels/cpu/threads.hpp"
#include "sim/base/random.hpp"

namespace terrace::calibrate {

Bytes host_pool(const Extent& extent) {
  using namespace literals;
  const Bytes cache = kernels::CpuSet(1).cache();
  const Bytes most = extent.gpu ? 4_GiB : Bytes{extent.memory.count() / 8};
  return std::min(std::max(cache * 3, 512_MiB), most);
}

namespace family {
namespace {

using namespace literals;

/// Two buffers that all points of a run share: large ones take seconds to touch. Made when a point
/// needs them.
class Buffers {
 public:
  Buffers(Bytes size, int threads)
      : size_(static_cast<std::size_t>(size.count()) / kLine * kLine), threads_(threads) {}

  [[nodiscard]] std::size_t size() const { return size_; }
  std::byte* from() { return touched(from_); }
  std::byte* to() { return touched(to_); }

  static constexpr std::size_t kLine = 64;

 private:
  /// By as many threads as copy, so that pages lie where those threads are.
  std::byte* touched(std::unique_ptr<std::byte[]>& buffer) const {
    if (buffer) return buffer.get();
    buffer = std::make_unique_for_overwrite<std::byte[]>(size_);
    kernels::cpu::Threads crew(threads_);
    const auto count = static_cast<std::size_t>(threads_);
    const std::size_t part = (size_ / count + kLine) / kLine * kLine;
    crew.run(count, [&](std::size_t piece) {
      Random random(piece + 1, "calibrate/host");
      const std::size_t end = std::min(size_, (piece + 1) * part);
      for (std::size_t i = piece * part; i + 8 <= end; i += 8) {
        const std::uint64_t word = random.next();
        std::memcpy(buffer.get() + i, &word, 8);
      }
    });
    return buffer.get();
  }

  std::size_t size_;
  int threads_;
  std::unique_ptr<std::byte[]> from_, to_;
};

/// `threads` share a copy of `bytes`; slices of the buffers take turns.
Sample copied(Buffers& buffers, std::size_t bytes, int threads, bool cold,
              const Sampling& sampling) {
  kernels::cpu::Threads crew(threads);
  const auto count = static_cast<std::size_t>(threads);
  const std::size_t part = bytes / count / Buffers::kLine * Buffers::kLine;
  const std::byte* from = buffers.from();
  std::byte* to = buffers.to();
  std::size_t at = 0;
  const auto calls = [&](std::int64_t n) {
    const double begin = steady_seconds();
    for (std::int64_t i = 0; i < n; ++i) {
      if (cold && at + 2 * bytes <= buffers.size()) {
        at += bytes;
      } else {
        at = 0;
      }
      crew.run(count, [&](std::size_t piece) {
        const std::size_t place = at + piece * part;
        const std::size_t size = piece + 1 == count ? bytes - piece * part : part;
        std::memcpy(to + place, from + place, size);
      });
    }
    return steady_seconds() - begin;
  };
  return scaled(sample_calls(calls, sampling), 1e6);
}

/// A walk over lines of memory in one cycle without any order (Sattolo 1986): each load says where
/// the next one goes.
Sample chased(Buffers& buffers, std::size_t bytes, const Sampling& sampling) {
  std::byte* memory = buffers.to();
  const std::size_t lines = bytes / Buffers::kLine;
  std::vector<std::uint32_t> order(lines);
  std::iota(order.begin(), order.end(), 0U);
  Random random(1, "calibrate/chase");
  for (std::size_t i = lines; i > 1; --i) std::swap(order[i - 1], order[random.below(i - 1)]);
  for (std::size_t i = 0; i < lines; ++i) {
    std::memcpy(memory + i * Buffers::kLine, &order[i], sizeof order[i]);
  }
  std::uint32_t line = 0;
  const auto calls = [&](std::int64_t n) {
    const double begin = steady_seconds();
    for (std::int64_t i = 0; i < n; ++i) {
      std::memcpy(&line, memory + line * Buffers::kLine, sizeof line);
    }
    asm volatile("" : : "r"(line));  // the walk has an end that somebody wants to know
    return steady_seconds() - begin;
  };
  return scaled(sample_calls(calls, sampling), 1e9);
}

std::vector<int> thread_counts(const Extent& extent) {
  std::vector<int> counts;
  for (int threads = 1; threads < extent.threads; threads *= 2) counts.push_back(threads);
  counts.push_back(extent.threads);
  if (extent.quick && counts.size() > 2) counts = {1, counts[counts.size() / 2], counts.back()};
  return counts;
}

void add_copies(std::vector<Measurement>& all, const Extent& extent,
                const std::shared_ptr<Buffers>& buffers) {
  const auto sizes =
      extent.quick ? std::vector{64_KiB, 16_MiB} : std::vector{64_KiB, 1_MiB, 16_MiB, 256_MiB};
  const Sampling sampling = sampling_of(extent);
  for (const int threads : thread_counts(extent)) {
    for (const Bytes size : sizes) {
      for (const bool cold : {true, false}) {
        const auto bytes = static_cast<std::size_t>(size.count());
        if (2 * bytes > buffers->size() || (!cold && size > 4_MiB)) continue;
        const std::string_view cache = cold ? "cold" : "hot";
        all.push_back(
            {.id = fmt::format("host_memory/copy/{}/t{}/{}", bytes, threads, cache),
             .x = {{"op", "copy"}, {"bytes", size.count()}, {"threads", threads}},
             .cache = std::string(cache),
             .unit = "us",
             .seconds = sampling_seconds(static_cast<double>(bytes) / 4e9, sampling),
             .measure = [=](Bench&) { return copied(*buffers, bytes, threads, cold, sampling); }});
      }
    }
  }
}

void add_walks(std::vector<Measurement>& all, const Extent& extent,
               const std::shared_ptr<Buffers>& buffers) {
  const auto sizes = extent.quick ? std::vector{32_KiB, 256_MiB}
                                  : std::vector{32_KiB, 1_MiB, 16_MiB, 64_MiB, 256_MiB};
  const Sampling sampling = sampling_of(extent);
  for (const Bytes size : sizes) {
    const auto bytes = static_cast<std::size_t>(size.count());
    if (bytes > buffers->size()) continue;
    const double setup = static_cast<double>(bytes) * 1e-9;
    all.push_back({.id = fmt::format("host_memory/latency/{}", bytes),
                   .x = {{"op", "latency"}, {"bytes", size.count()}, {"threads", 1}},
                   .cache = "",
                   .unit = "ns",
                   .seconds = setup + sampling_seconds(1e-7, sampling),
                   .measure = [=](Bench&) { return chased(*buffers, bytes, sampling); }});
  }
}

std::vector<Measurement> plan(const Extent& extent) {
  const auto buffers = std::make_shared<Buffers>(host_pool(extent), extent.threads);
  std::vector<Measurement> all;
  add_copies(all, extent, buffers);
  add_walks(all, extent, buffers);
  return all;
}

}  // namespace

Family host_memory() {
  return {.name = "host_memory",
          .summary = "memory of the host: copies by threads, and latency",
          .plan = plan};
}

}  // namespace family
}  // namespace terrace::calibrate
