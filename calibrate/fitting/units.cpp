#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "calibrate/fitting/dataset.hpp"
#include "sim/report/human.hpp"

namespace terrace::calibrate {
namespace {

constexpr double kDatasheet = 1.05;    // times its rate: as much as clocks may exceed it
constexpr double kShortest = 2e-7;     // seconds: no kernel is launched and done in less
constexpr double kUsualLaunch = 1e-5;  // seconds, of a kernel with little to do
constexpr double kAbsurdlySlow = 300;  // times what the datasheet would take
constexpr double kBeyondL2 = 4;        // times L2: no reuse to speak of
constexpr double kAnotherUnit = 100;   // times too fast: that is no kernel, but a wrong unit

/// What the datasheet allows at best, in seconds.
double roofline(const Work& work, const GpuSpec& gpu, DType dtype) {
  const bool narrow = bits(dtype) <= 8 && gpu.fp8.count() > 0;
  const double flop_rate = (narrow ? gpu.fp8 : gpu.bf16).count();
  const bool cold = work.bytes > kBeyondL2 * static_cast<double>(gpu.l2.count());
  const double memory = cold ? work.bytes / gpu.memory_bandwidth.count() : 0;
  return std::max(work.flops / flop_rate, memory);
}

/// Which unit the numbers have, if they were read a factor `slow` too large.
std::string likely(double slow) {
  static constexpr std::array<std::pair<double, std::string_view>, 3> kUnits{
      {{1e-3, "a thousand times longer than they were read as, such as ms given as us"},
       {1e3, "a thousand times shorter than they were read as, such as ns given as us"},
       {1e-6, "a million times longer than they were read as, such as s given as us"}}};
  std::string_view best = kUnits[0].second;
  double distance = 1e300;
  for (const auto& [factor, text] : kUnits) {
    const double off = std::abs(std::log(slow / factor));
    if (off < distance) best = text;
    distance = std::min(distance, off);
  }
  return fmt::format("the times are probably {}: check the unit of the column", best);
}

}  // namespace

void check_units(const Dataset& data, const GpuSpec& gpu) {
  // What goes over links alone: of those the datasheet says little.
  const auto idle = [](const Work& work) { return work.flops == 0 && work.bytes == 0; };
  if (std::all_of(data.work.begin(), data.work.end(), idle)) return;

  const std::size_t n = data.points.size();
  std::vector<double> least(n);  // seconds that the datasheet allows
  std::vector<std::size_t> impossible;
  for (std::size_t i = 0; i < n; ++i) {
    least[i] = std::max(roofline(data.work[i], gpu, data.dtype) / kDatasheet, kShortest);
    if (data.measured[i] < least[i]) impossible.push_back(i);
  }
  if (!impossible.empty()) {
    const auto faster = [&](std::size_t i) { return least[i] / data.measured[i]; };
    const std::size_t worst =
        *std::max_element(impossible.begin(), impossible.end(),
                          [&](std::size_t a, std::size_t b) { return faster(a) < faster(b); });
    const Point& point = *data.points[worst];
    const double than_usual = (least[worst] + kUsualLaunch) / data.measured[worst];
    throw config::ConfigError(fmt::format(
        "{}: error: {} points of {} are faster than an {} can be; this one takes {}, which is "
        "{:.3g} "
        "times faster than its datasheet allows\n  {}",
        config::to_string(point.time.place),
        human::count(static_cast<std::int64_t>(impossible.size())),
        human::count(static_cast<std::int64_t>(n)), gpu.name, human::time(data.measured[worst]),
        faster(worst),
        than_usual >= kAnotherUnit
            ? likely(1 / than_usual)
            : std::string("is it the right GPU, and is the time that of the whole call?")));
  }

  // The tenth with the most to do, where the datasheet is not far off.
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return least[a] > least[b]; });
  order.resize((n + 9) / 10);
  const auto slower = [&](std::size_t i) { return data.measured[i] / (least[i] + kUsualLaunch); };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return slower(a) < slower(b); });
  const std::size_t middle = order[order.size() / 2];
  if (slower(middle) < kAbsurdlySlow) return;
  throw config::ConfigError(fmt::format(
      "{}: error: the largest calls are {:.3g} times slower than the datasheet of an {} suggests; "
      "this one takes {}\n  {}",
      config::to_string(data.points[middle]->time.place), slower(middle), gpu.name,
      human::time(data.measured[middle]), likely(slower(middle))));
}

}  // namespace terrace::calibrate
