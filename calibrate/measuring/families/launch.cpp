// What it takes to start next to nothing: many calls one after the other, one call that is waited
// for, and, on the processor, threads that are woken for a piece each.

#include <algorithm>
#include <memory>
#include <span>

#include <fmt/format.h>

#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/operands.hpp"
#include "kernels/cpu/threads.hpp"
#include "kernels/streams.hpp"

namespace terrace::calibrate::family {
namespace {

/// A line of memory, and the writing of it.
struct Smallest {
  explicit Smallest(Operands& operands)
      : line(operands.allocate(Bytes{64})),
        start(operands.kernels().prepare(
            kernels::StreamWrite{{reinterpret_cast<std::uint64_t*>(line.get()), 8}, 1})) {}

  std::shared_ptr<std::byte> line;
  kernels::Start start;
};

Sample in_a_row(Bench& bench) {
  const Smallest smallest(*bench.operands);
  return bench.operands->time(std::span(&smallest.start, 1));
}

Sample waited_for(Bench& bench) {
  kernels::KernelSet& kernels = bench.operands->kernels();
  const Smallest smallest(*bench.operands);
  const auto calls = [&](std::int64_t n) {
    const double begin = steady_seconds();
    for (std::int64_t i = 0; i < n; ++i) {
      smallest.start();
      kernels.wait();
    }
    return steady_seconds() - begin;
  };
  return scaled(sample_calls(calls), 1e6);
}

Sample woken(Bench& bench, int count) {
  kernels::cpu::Threads threads(std::min(count, bench.threads));
  const auto calls = [&](std::int64_t n) {
    const double begin = steady_seconds();
    for (std::int64_t i = 0; i < n; ++i) {
      threads.run(static_cast<std::size_t>(threads.count()), [](std::size_t) {});
    }
    return steady_seconds() - begin;
  };
  return scaled(sample_calls(calls), 1e6);
}

Measurement point(std::string_view op, int threads, std::function<Sample(Bench&)> measure) {
  return {.id = fmt::format("launch/{}{}", op, threads > 0 ? fmt::format("/t{}", threads) : ""),
          .x = {{"op", op}, {"threads", threads}},
          .cache = "",
          .unit = "us",
          .seconds = sampling_seconds(1e-5),
          .measure = std::move(measure)};
}

std::vector<Measurement> plan(const Extent& extent) {
  std::vector<Measurement> all = {point("in_a_row", 0, in_a_row),
                                  point("waited_for", 0, waited_for)};
  for (Measurement& one : all) one.kernels = {kernels::proof::BytesKernel::write};
  for (int threads = 2; threads <= extent.threads; threads *= 2) {
    all.push_back(
        point("woken", threads, [threads](Bench& bench) { return woken(bench, threads); }));
  }
  return all;
}

}  // namespace

Family launch() {
  return {.name = "launch", .summary = "what it takes to start next to nothing", .plan = plan};
}

}  // namespace terrace::calibrate::family
