#include "calibrate/fitting/drive_law.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/base/p_norm.hpp"
#include "sim/base/quantile.hpp"
#include "sim/fabric/transfer_laws.hpp"

namespace terrace::calibrate {
namespace {

using forms::Unit;

constexpr std::array<std::string_view, 2> kDepths = {"depth 1", "deeper"};
constexpr double kFalls = 0.9;  // of the first rate: less is a drop

double size_of(const DrivePoint& point) { return static_cast<double>(point.io.count()); }
double seconds_of(const DrivePoint& point) { return size_of(point) / point.rate.count(); }

SsdLaw law_of(std::span<const double> p) {
  return {duration_from_seconds(p[0]), Bandwidth{p[1]}, p[2], Bandwidth{p[3]}, p[4]};
}

/// Where to start, by the points; bounds are so far off that the points tell nothing of more.
std::array<forms::Parameter, 5> parameters_for(std::span<const DrivePoint> points) {
  double latency = 1;
  double stream = 1;
  double iops = 1e-3;
  double bandwidth = 1;
  for (const DrivePoint& point : points) {
    const auto depth = static_cast<double>(point.depth);
    latency = std::min(latency, seconds_of(point) * depth);
    stream = std::max(stream, point.rate.count() / depth);
    iops = std::max(iops, 1 / seconds_of(point));
    bandwidth = std::max(bandwidth, point.rate.count());
  }
  constexpr double kFar = 30;
  return {
      {{"latency", Unit::time, latency / kFar, 3 * latency, latency, "of one command at depth one"},
       {"stream", Unit::bandwidth, stream / kFar, stream * kFar, stream, "of one command's bytes"},
       {"iops", Unit::none, iops / kFar, iops * kFar, iops,
        "small commands per second at any depth"},
       {"bandwidth", Unit::bandwidth, bandwidth / kFar, bandwidth * kFar, bandwidth,
        "large commands at any depth"},
       {"p", Unit::none, 1, 8, 2, "sharpness of the knee"}}};
}

/// The rate of the same commands in one direction.
double rate_alone(std::span<const DrivePoint> points, const DrivePoint& mixed, double share,
                  const SsdLaw& law) {
  const auto same = std::find_if(points.begin(), points.end(), [&](const DrivePoint& point) {
    return point.io == mixed.io && point.depth == mixed.depth && point.write_share == share;
  });
  if (same != points.end()) return same->rate.count();
  return closed_loop_rate(law, size_of(mixed), static_cast<double>(mixed.depth)).count();
}

bool keeps_busy(const SsdLaw& law, const DrivePoint& point) {
  const double waiting = seconds(law.latency) + size_of(point) / law.stream.count();
  const double busy = 1 / law.iops + size_of(point) / law.bandwidth.count();
  return waiting <= busy * static_cast<double>(point.depth);
}

}  // namespace

DriveLawFit fit_drive_law(std::span<const DrivePoint> points, double write_share) {
  std::vector<DrivePoint> of_direction;
  std::vector<double> measured;
  std::vector<std::uint32_t> regime;
  for (const DrivePoint& point : points) {
    if (point.write_share != write_share) continue;
    of_direction.push_back(point);
    measured.push_back(seconds_of(point));
    regime.push_back(point.depth > 1 ? 1U : 0U);
  }
  const auto parameters = parameters_for(of_direction);
  // In doubles throughout: whole picoseconds have no slope.
  const auto seconds = [&](std::span<const double> p, std::size_t i) {
    const double waiting =
        (p[0] + size_of(of_direction[i]) / p[1]) / static_cast<double>(of_direction[i].depth);
    const double busy = 1 / p[2] + size_of(of_direction[i]) / p[3];
    return p_norm(waiting, busy, p[4]);
  };
  DriveLawFit result;
  result.fit = fit_law({write_share > 0 ? "writes of the drive" : "reads of the drive", parameters,
                        measured, seconds, regime, kDepths});
  std::vector<double> values;
  for (const FittedParameter& one : result.fit.parameters) values.push_back(one.value);
  result.law = law_of(values);
  return result;
}

std::optional<MixFit> fit_mix_penalty(std::span<const DrivePoint> points, const SsdLaw& read,
                                      const SsdLaw& write) {
  std::vector<DrivePoint> mixed;
  std::vector<DrivePoint> busy;
  for (const DrivePoint& point : points) {
    if (point.write_share <= 0 || point.write_share >= 1) continue;
    mixed.push_back(point);
    if (keeps_busy(read, point) && keeps_busy(write, point)) busy.push_back(point);
  }
  if (busy.size() >= 2) mixed = std::move(busy);
  if (mixed.size() < 2) return std::nullopt;

  std::vector<double> measured;  // seconds per byte
  std::vector<double> alone;     // what they would be if reads and writes did not disturb
  for (const DrivePoint& point : mixed) {
    const double f = point.write_share;
    measured.push_back(1 / point.rate.count());
    alone.push_back((1 - f) / rate_alone(points, point, 0, read) +
                    f / rate_alone(points, point, 1, write));
  }
  const std::array<forms::Parameter, 1> parameters = {
      {{"mix_penalty", Unit::none, 0, 0.95, 0.3, "of reads and writes at once"}}};
  const auto seconds = [&](std::span<const double> p, std::size_t i) {
    const double f = mixed[i].write_share;
    return alone[i] / (1 - 4 * p[0] * f * (1 - f));
  };
  MixFit result;
  result.fit = fit_law({"reads and writes of the drive", parameters, measured, seconds});
  result.penalty = result.fit.parameters[0].value;
  return result;
}

SustainedWrites sustained_writes(std::span<const WriteWindow> windows) {
  TERRACE_CHECK(windows.size() >= 4);
  std::vector<double> rates;
  std::vector<double> terabytes;  // when the window is half over
  double before = 0;
  for (const WriteWindow& window : windows) {
    TERRACE_CHECK(window.seconds > 0 && window.written > Bytes{0});
    const auto bytes = static_cast<double>(window.written.count());
    rates.push_back(bytes / window.seconds);
    terabytes.push_back((before + bytes / 2) * 1e-12);
    before += bytes;
  }
  const auto quarter = static_cast<std::ptrdiff_t>((rates.size() + 3) / 4);
  SustainedWrites result;
  result.first = Bandwidth{nearest_quantile({rates.begin(), rates.begin() + quarter}, 0.5)};
  result.last = Bandwidth{nearest_quantile({rates.end() - quarter, rates.end()}, 0.5)};
  const std::size_t end = rates.size() - static_cast<std::size_t>(quarter);
  for (std::size_t i = 0; i < end; ++i) result.before = result.before + windows[i].written;
  result.falls = result.last.count() < kFalls * result.first.count();
  std::vector<double> slopes;
  for (std::size_t i = 0; i < rates.size(); ++i) {
    for (std::size_t j = i + 1; j < rates.size(); ++j) {
      slopes.push_back(std::log(rates[j] / rates[i]) / (terabytes[j] - terabytes[i]));
    }
  }
  result.slope_per_terabyte = nearest_quantile(std::move(slopes), 0.5);
  return result;
}

}  // namespace terrace::calibrate
