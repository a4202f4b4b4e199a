#include "sim/study/load/cliff.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/des/event_loop.hpp"
#include "sim/kv/capacity.hpp"
#include "sim/study/crew.hpp"

namespace terrace {
namespace {

constexpr double kHardlyAny = 0.01;

/// Nothing if it was stopped.
std::optional<CliffPoint> tried(const Knob& knob, double value, std::span<const SloBound> bounds,
                                const std::stop_token& stop) {
  CliffPoint point{value, knob.text(value), std::nullopt, {}};
  try {
    point.trial =
        attempt(knob.scenario(value), bounds, {[&] { return !stop.stop_requested(); }, false});
    if (!point.trial) return std::nullopt;
  } catch (const Infeasible& e) {
    point.why_not = e.what();
  } catch (const EndOfTime& e) {
    point.why_not = e.what();
  }
  return point;
}

/// Between the two; nothing if there is no number that is neither.
std::optional<double> middle(const Knob& knob, const CliffPoint& a, const CliffPoint& b) {
  double m = a.value > 0 ? std::sqrt(a.value * b.value) : a.value + (b.value - a.value) / 2;
  m = knob.whole ? std::max(std::floor(m), a.value + 1) : knob.rounded(m);
  const std::string text = knob.text(m);
  if (!(a.value < m && m < b.value) || text == a.text || text == b.text) return std::nullopt;
  return m;
}

/// All points between two neighbours that differ, down to the precision.
std::vector<CliffPoint> narrowed(const Knob& knob, CliffPoint a, CliffPoint b,
                                 std::span<const SloBound> bounds, const CliffOptions& options,
                                 const std::stop_token& stop, std::atomic<std::size_t>& runs) {
  std::vector<CliffPoint> all;
  for (std::size_t i = 0; i < options.halvings; ++i) {
    const double close = options.precision * std::max(std::abs(a.value), std::abs(b.value));
    if (b.value - a.value <= close) break;
    const auto m = middle(knob, a, b);
    if (!m) break;
    auto point = tried(knob, *m, bounds, stop);
    if (!point) break;
    ++runs;
    all.push_back(*point);
    (point->holds() == a.holds() ? a : b) = *std::move(point);
  }
  return all;
}

std::vector<Break> breaks_of(const std::vector<CliffPoint>& points) {
  std::vector<Break> breaks;
  for (std::size_t i = 1; i < points.size(); ++i) {
    if (points[i - 1].holds() == points[i].holds()) continue;
    breaks.push_back(points[i].holds() ? Break{i, i - 1} : Break{i - 1, i});
  }
  return breaks;
}

}  // namespace

bool CliffPoint::rejects() const {
  return trial && static_cast<double>(trial->summary.all.rejected) >
                      kHardlyAny * static_cast<double>(trial->summary.came);
}

bool CliffPoint::holds() const { return trial && !rejects() && trial->passes(); }

std::optional<Cliff> find_cliff(const Knob& knob, std::span<const double> values,
                                std::span<const SloBound> bounds, const CliffOptions& options) {
  std::atomic<std::size_t> runs{0};
  Cliff cliff;
  const auto over = [&](Crew& crew) {
    return crew.finish(
        [&] { return !options.proceed || options.proceed(runs, cliff.breaks.size()); });
  };

  cliff.points.resize(values.size());
  {
    Crew crew(values.size(), options.jobs, [&](std::size_t piece, const std::stop_token& stop) {
      auto point = tried(knob, values[piece], bounds, stop);
      if (!point) return;
      cliff.points[piece] = *std::move(point);
      ++runs;
    });
    if (!over(crew)) return std::nullopt;
  }
  cliff.breaks = breaks_of(cliff.points);

  std::vector<std::vector<CliffPoint>> between(cliff.breaks.size());
  {
    Crew crew(between.size(), options.jobs, [&](std::size_t piece, const std::stop_token& stop) {
      const auto [low, high] = std::minmax(cliff.breaks[piece].good, cliff.breaks[piece].bad);
      between[piece] =
          narrowed(knob, cliff.points[low], cliff.points[high], bounds, options, stop, runs);
    });
    if (!over(crew)) return std::nullopt;
  }
  for (auto& points : between) {
    std::move(points.begin(), points.end(), std::back_inserter(cliff.points));
  }
  std::sort(cliff.points.begin(), cliff.points.end(),
            [](const CliffPoint& a, const CliffPoint& b) { return a.value < b.value; });
  cliff.breaks = breaks_of(cliff.points);
  return cliff;
}

}  // namespace terrace
