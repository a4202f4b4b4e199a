#include "calibrate/measure_report.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/proven.hpp"
#include "calibrate/profile/gpu_clocks.hpp"
#include "sim/app/status_line.hpp"
#include "sim/report/human.hpp"
#include "sim/report/table.hpp"

namespace terrace::calibrate {
namespace {

struct Sum {
  std::size_t points = 0;
  double seconds = 0;
  Bytes written{};

  void add(const Measurement& measurement) {
    ++points;
    seconds += measurement.seconds;
    written += measurement.written;
  }
  [[nodiscard]] std::vector<std::string> row(std::string_view name) const {
    return {std::string(name), human::count(static_cast<std::int64_t>(points)),
            app::humane(seconds), written > Bytes{} ? human::bytes(written) : "-"};
  }
};

/// A note if pools were too small to keep caches out of cold points.
std::string cold_text(const MeasuredRun& run) {
  const auto& extent = run.tool.at("extent");
  const Bytes pool{extent.at("cold_bytes").get<std::int64_t>()};
  const Bytes cache{extent.at("cache_bytes").get<std::int64_t>()};
  if (pool >= cache * 2) return {};
  return fmt::format(
      "cold points may be of a cache: memory was free for pools of {}, and the last cache has {}\n",
      human::bytes(pool), human::bytes(cache));
}

std::size_t not_measured(const MeasuredRun& run) {
  return static_cast<std::size_t>(
      std::count_if(run.points.begin(), run.points.end(),
                    [](const MeasuredPoint& p) { return !p.error.empty(); }));
}

std::string left_out_text(const LeftOut& left) {
  std::vector<std::string> parts;
  if (left.too_large > 0) parts.push_back(fmt::format("{} for want of memory", left.too_large));
  if (left.too_long > 0) {
    parts.push_back(fmt::format("{} as a call would take too long", left.too_long));
  }
  if (parts.empty()) return {};
  return fmt::format("shapes left out: {}\n", fmt::join(parts, ", "));
}

}  // namespace

std::string plan_text(const Session& session) {
  std::map<const Family*, Sum> sums;
  Sum total;
  for (const Planned& planned : session.plan()) {
    sums[planned.family].add(planned.measurement);
    total.add(planned.measurement);
  }
  Table table({"family", "points", "time", "written to disk"});
  std::string what;
  for (const Family* family : families()) {
    const auto found = sums.find(family);
    if (found == sums.end()) continue;
    table.add(found->second.row(family->name));
    what += fmt::format("  {:<18}{}\n", family->name, family->summary);
  }
  if (session.disk_file() > Bytes{}) {
    constexpr double kUsualRate = 1e9;  // of a disk that is not known yet, bytes per second
    const Sum file{0, static_cast<double>(session.disk_file().count()) / kUsualRate,
                   session.disk_file()};
    table.add(file.row("(test file)"));
    total.seconds += file.seconds;
    total.written += file.written;
  }
  table.add(total.row("total"));
  std::string text = table.text() + "\n" + what;
  if (session.plan_is_usual()) {
    text += "\nthe plan is a usual GPU's: another calibration is under way on this one\n";
  } else if (!session.extent().gpu) {
    const int threads = session.extent().threads;
    text += fmt::format("\ntimes are those of a usual processor with {} thread{}\n", threads,
                        threads == 1 ? "" : "s");
  }
  text += left_out_text(session.left_out());
  for (const std::string& lost : session.lost()) text += "\n" + lost + "\n";
  if (session.done() > 0) {
    text += fmt::format("\n{} of {} points are measured already\n", session.done(), total.points);
  }
  return text;
}

std::string progress_text(const RunProgress& progress) {
  return fmt::format("{} points  {} left  {}", app::bar(progress.done, progress.all),
                     app::humane(progress.left), progress.id);
}

bool most_failed(const MeasuredRun& run) { return 2 * not_measured(run) > run.points.size(); }

std::string findings_text(const MeasuredRun& run) {
  const auto count = [&](auto predicate) {
    return std::count_if(run.points.begin(), run.points.end(), predicate);
  };
  const auto wrong = condemned(run.findings);  // and not worth a line for each point
  const auto has_failed = [&](const MeasuredPoint& p) {
    return !p.error.empty() && !wrong.contains(p.family);
  };
  const auto failed = count(has_failed);
  const auto unstable = count([](const MeasuredPoint& p) { return !p.sample.stable; });
  const auto drifted = count([](const MeasuredPoint& p) { return p.drifted; });
  double drift = 0;
  for (const SentinelReading& reading : run.sentinels) drift = std::max(drift, reading.drift);
  const std::size_t all = run.points.size();
  const std::size_t measured = all - not_measured(run);
  std::string text = measured == all ? fmt::format("{} points", all)
                                     : fmt::format("{} of {} points", measured, all);
  if (unstable > 0) text += fmt::format("; {} unstable, and flagged", unstable);
  if (drift > DriftRule{}.noted) {
    text += fmt::format("; the machine drifted by up to {:.0f} %", 100 * drift);
    if (drifted > 0) text += fmt::format(", {} points around it are flagged", drifted);
  }
  text += "\n" + cold_text(run);
  if (const std::string gpu = gpu_clocks_text(run.sentinels); !gpu.empty()) text += gpu + "\n";
  for (const auto& lost : run.host.value("lost", nlohmann::ordered_json::array())) {
    text += lost.get<std::string>() + "\n";
  }
  if (failed == 0) return text;
  text += fmt::format("{} points could not be measured:\n", failed);
  for (const MeasuredPoint& point : run.points) {
    if (has_failed(point)) text += fmt::format("  {}: {}\n", point.id, point.error);
  }
  return text;
}

}  // namespace terrace::calibrate
