// The disk: rates of commands at random places by size, depth and direction, which the law of the
// drive is fitted to; and whether writes get slower when there are many.

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "calibrate/measuring/drive_load.hpp"
#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/stop.hpp"

namespace terrace::calibrate::family {
namespace {

using namespace literals;

/// Commands of each thread. Alone at depth 1 a point is a latency in us, else a rate in GB/s.
struct Point {
  Bytes io;
  unsigned depth;
  int write_percent;
  int threads;

  [[nodiscard]] bool is_latency() const {
    return depth == 1 && threads == 1 && write_percent % 100 == 0;
  }
};

/// Windows of a point, and how much one of them may move.
struct Windows {
  Sampling sampling;
  double seconds;
  Bytes most;
};

/// Disks vary more from window to window than kernels from call to call.
constexpr double kUnstable = 0.25;

constexpr std::int64_t kRounds = 4;  // of what is in flight, that a window is long at least

Bytes in_flight(const Point& p) { return p.io * (std::int64_t{p.depth} * p.threads); }

Windows windows_of(const Extent& extent, const Point& p) {
  // Some hundred commands tell a rate, and spare the drive on a point that it is fast on.
  const Bytes most = std::max(std::clamp(p.io * 512, 16_MiB, 96_MiB), in_flight(p) * kRounds);
  Windows windows{
      {.warmups = 1, .batches = 10, .most_seconds = 0.5, .unstable = kUnstable}, 0.05, most};
  if (extent.quick) {
    windows.sampling.batches = 6;
    windows.sampling.most_seconds = 0.15;
    windows.seconds = 0.025;
    windows.most = std::max(std::min(most, 32_MiB), in_flight(p) * kRounds);
  }
  return windows;
}

/// At most: a point that is not stable at once has a second try, and the queue is full at its end.
Bytes written_by(const Point& p, const Windows& windows) {
  const int tries = 2 * (windows.sampling.warmups + windows.sampling.batches);
  const Bytes all = (windows.most + p.io) * tries + in_flight(p) + p.io;
  return Bytes{all.count() * p.write_percent / 100};
}

Sample measure_alone(Bench& bench, const Point& p, const Windows& windows) {
  DriveLoad load(*bench.disk, {p.io, p.depth, p.write_percent});
  const auto window = [&] {
    throw_if_interrupted();
    const DriveLoad::Done done = load.run(windows.seconds, windows.most, kRounds * p.depth);
    const auto commands = static_cast<double>(done.commands);
    if (p.is_latency()) return 1e6 * done.seconds / commands;
    return 1e-9 * commands * static_cast<double>(p.io.count()) / done.seconds;
  };
  return sample(window, windows.sampling);
}

/// Several threads, each with a queue of its own.
Sample measure_together(Bench& bench, const Point& p, const Windows& windows) {
  std::vector<std::unique_ptr<BackgroundLoad>> loads;
  const Bytes share = Bytes{written_by(p, windows).count() / p.threads};
  const Bytes most = p.write_percent > 0 ? share : Bytes::max();
  for (int i = 0; i < p.threads; ++i) {
    const LoadSpec spec{p.io, p.depth, p.write_percent, Order::random,
                        static_cast<std::uint64_t>(i + 1)};
    loads.push_back(std::make_unique<BackgroundLoad>(*bench.disk, spec, most));
  }
  const auto done = [&] {
    std::int64_t sum = 0;
    for (const auto& load : loads) sum += load->bytes();
    return static_cast<double>(sum);
  };
  double bytes = done();
  double at = steady_seconds();
  const auto window = [&] {
    do {
      throw_if_interrupted();
      std::this_thread::sleep_for(std::chrono::duration<double>(windows.seconds));
    } while (p.write_percent == 0 &&
             done() - bytes < static_cast<double>(kRounds * in_flight(p).count()));
    const double bytes_before = std::exchange(bytes, done());
    const double before = std::exchange(at, steady_seconds());
    return 1e-9 * (bytes - bytes_before) / (at - before);
  };
  return sample(window, windows.sampling);
}

std::string_view op_of(const Point& p) {
  return p.write_percent == 0 ? "read" : p.write_percent == 100 ? "write" : "mix";
}

std::string id_of(const Point& p) {
  const std::string share = op_of(p) == "mix" ? std::to_string(p.write_percent) : "";
  const std::string threads = p.threads > 1 ? fmt::format("/t{}", p.threads) : "";
  return fmt::format("ssd/{}{}/{}/q{}{}", op_of(p), share, p.io.count(), p.depth, threads);
}

/// More in flight tells no more of the drive, and takes windows of half a second.
constexpr Bytes kMostInFlight = 64_MiB;

void add(std::vector<Measurement>& all, const Extent& extent, const Point& p) {
  if (p.io > extent.disk || in_flight(p) > kMostInFlight) return;
  const Windows windows = windows_of(extent, p);
  all.push_back(
      {.id = id_of(p),
       .x = {{"op", op_of(p)},
             {"io", p.io.count()},
             {"depth", p.depth},
             {"threads", p.threads},
             {"write_share", p.write_percent / 100.0}},
       .cache = "",
       .unit = p.is_latency() ? "us" : "GB/s",
       .seconds = (windows.sampling.warmups + windows.sampling.batches + 1) * windows.seconds,
       .written = written_by(p, windows),
       .measure = [p, windows](Bench& bench) {
         return p.threads > 1 ? measure_together(bench, p, windows)
                              : measure_alone(bench, p, windows);
       }});
}

constexpr Bytes kSustainedIo = 1_MiB;
constexpr unsigned kSustainedDepth = 16;
constexpr double kSustainedWindow = 0.5;  // seconds

/// In order, over and over: the series is the rate by window.
Sample measure_sustained(Bench& bench, double seconds, Bytes most) {
  DriveLoad load(*bench.disk, {kSustainedIo, kSustainedDepth, 100, Order::sequential});
  std::vector<double> rates;
  Bytes left = most;
  const double end = steady_seconds() + seconds;
  while (steady_seconds() < end && left > kSustainedIo * 4) {
    throw_if_interrupted();
    const DriveLoad::Done done = load.run(kSustainedWindow, left);
    const Bytes bytes = kSustainedIo * done.commands;
    rates.push_back(1e-9 * static_cast<double>(bytes.count()) / done.seconds);
    left = left - bytes;
  }
  Sample result = sample_of(rates);
  result.series = std::move(rates);
  return result;
}

Measurement sustained(const Extent& extent) {
  const double seconds = extent.quick ? 3 : 15;
  const Bytes most = extent.quick ? 6_GiB : 48_GiB;
  return {.id = "ssd/sustained_write",
          .x = {{"op", "sustained_write"},
                {"io", kSustainedIo.count()},
                {"depth", kSustainedDepth},
                {"window_ms", static_cast<int>(1e3 * kSustainedWindow)}},
          .cache = "",
          .unit = "GB/s",
          .seconds = seconds,
          .written = most + kSustainedIo * (kSustainedDepth + 4),
          .last = true,  // a drive needs a while to get over it
          .measure = [=](Bench& bench) { return measure_sustained(bench, seconds, most); }};
}

std::vector<Measurement> plan(const Extent& extent) {
  const auto sizes = extent.quick ? std::vector{4_KiB, 64_KiB, 1_MiB}
                                  : std::vector{4_KiB, 64_KiB, 256_KiB, 1_MiB, 4_MiB};
  const auto depths =
      extent.quick ? std::vector<unsigned>{1, 8, 64} : std::vector<unsigned>{1, 4, 16, 64};
  std::vector<Measurement> all;
  for (const int write_percent : {0, 100, 30, 50}) {
    const bool mixed = write_percent % 100 != 0;
    for (const Bytes io : sizes) {
      for (const unsigned depth : depths) {
        // What a mix costs shows where the drive is busy.
        if (extent.quick && mixed && (io == 4_KiB || depth < 64)) continue;
        add(all, extent, {io, depth, write_percent, 1});
      }
    }
  }
  add(all, extent, {4_KiB, 64, 0, 4});
  add(all, extent, {1_MiB, 16, 0, 4});
  all.push_back(sustained(extent));
  return all;
}

}  // namespace

Family ssd() {
  return {.name = "ssd",
          .summary = "the disk: commands by size, depth and share of writes; sustained writes",
          .needs_disk = true,
          .plan = plan};
}

}  // namespace terrace::calibrate::family
