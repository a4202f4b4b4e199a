#include "calibrate/profile/disk_part.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "calibrate/fitting/drive_law.hpp"
#include "calibrate/fitting/points.hpp"
#include "calibrate/profile/shape.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/fabric/transfer_laws.hpp"

namespace terrace::calibrate {
namespace {

using forms::Unit;

constexpr double kGB = 1e9;
constexpr std::size_t kFewestWindows = 4;
constexpr Bytes kIoSize{256 * 1024};
constexpr Bytes kUnknownCapacity{1'000'000'000'000};

struct Commands {
  const MeasuredPoint* point = nullptr;
  DrivePoint drive;
};

constexpr std::string_view kSustained = "sustained_write";

/// A rate of which nine in ten windows lie further apart than it is large: so do windows that are
/// short against what is in flight.
bool tells_nothing(const MeasuredPoint& point) {
  return point.sample.p90 - point.sample.p10 >= point.sample.median;
}

/// Commands that are always outstanding; those of all threads together. Sustained writes are not
/// among them: they are in order, and for so long that a drive may get slower.
std::vector<Commands> commands(const PartMaker& maker) {
  std::vector<Commands> all;
  for (const MeasuredPoint* point : points_of(maker.run, "ssd")) {
    const Shape shape(*point);
    if (shape.text("op") == kSustained || tells_nothing(*point)) continue;
    const double io = shape.needed("io");
    const double depth = shape.needed("depth") * shape.number("threads").value_or(1);
    const double rate =
        point->unit == "GB/s" ? point->sample.median * kGB : io * depth / seconds_of(*point);
    all.push_back({point,
                   {Bytes{std::llround(io)}, std::llround(depth), shape.needed("write_share"),
                    Bandwidth{rate}}});
  }
  return all;
}

/// A rate by the law in the unit of the point.
double in_unit_of(const Commands& one, double rate) {
  if (one.point->unit == "GB/s") return rate / kGB;
  return static_cast<double>(one.drive.io.count() * one.drive.depth) / rate /
         seconds_per(one.point->unit);
}

class DiskMaker {
 public:
  explicit DiskMaker(PartMaker& maker) : maker_(maker), commands_(commands(maker)) {
    for (const Commands& one : commands_) points_.push_back(one.drive);
  }

  std::optional<SsdSpec> make() {
    if (commands_.empty()) {
      if (!points_of(maker_.run, "ssd").empty()) {
        maker_.notes.emplace_back("no drive: sustained writes alone tell no law of it");
      }
      return std::nullopt;
    }
    heed_caveats();
    for (const MeasuredPoint* point : points_of(maker_.run, "ssd")) {
      if (!tells_nothing(*point)) continue;
      maker_.notes.push_back(
          fmt::format("{} left out: its windows lie further apart than it is large", point->id));
    }
    try {
      ssd_.read = direction("read", 0);
      ssd_.write = direction("write", 1);
    } catch (const config::ConfigError& error) {
      maker_.notes.push_back(fmt::format("no drive: {}", error.what()));
      return std::nullopt;
    }
    mix();
    sustained();
    facts();
    return std::move(ssd_);
  }

 private:
  /// What the test file lost: some of it makes the times those of memory.
  void heed_caveats() {
    const auto disk = maker_.run.host.value("disk", nlohmann::ordered_json::object());
    for (const auto& one : disk.value("caveats", nlohmann::ordered_json::array())) {
      const auto caveat = one.get<std::string>();
      for (const char* word : {"page cache", "in memory"}) {
        if (caveat.find(word) != std::string::npos) maker_.trusted = false;
      }
      maker_.notes.push_back(fmt::format("the disk: {}", caveat));
    }
  }

  SsdLaw direction(const std::string& name, double share) {
    const DriveLawFit found = fit_drive_law(points_, share);
    FamilyFit fit{.family = "ssd",
                  .law = "closed loop, " + name,
                  .regimes = {"depth 1", "deeper"},
                  .gate = Gate{"all", "mape", 0.15, {}},
                  .notes = found.fit.notes};
    for (const Commands& one : commands_) {
      if (one.drive.write_share != share) continue;
      const double rate = closed_loop_rate(found.law, static_cast<double>(one.drive.io.count()),
                                           static_cast<double>(one.drive.depth))
                              .count();
      fit.points.push_back(
          {one.point, in_unit_of(one, rate), one.drive.depth == 1 ? 0U : 1U, true});
    }
    constexpr std::pair<const char*, Unit> kNames[] = {{"latency", Unit::time},
                                                       {"stream", Unit::bandwidth},
                                                       {"iops", Unit::none},
                                                       {"bandwidth", Unit::bandwidth},
                                                       {"p", Unit::none}};
    for (std::size_t i = 0; i < found.fit.parameters.size(); ++i) {
      fit.parameters.push_back({kNames[i].first, kNames[i].second, found.fit.parameters[i]});
    }
    judge(fit);
    ssd_.sources[name] = maker_.fitted("the closed-loop law of commands at random places", fit);
    maker_.families.push_back(std::move(fit));
    return {kept(found.law.latency), kept(found.law.stream), kept(found.law.iops),
            kept(found.law.bandwidth), kept(found.law.p)};
  }

  void mix() {
    const auto found = fit_mix_penalty(points_, ssd_.read, ssd_.write);
    if (!found) {
      ssd_.sources["mix_penalty"] =
          maker_.assumed("between the 0.04 and 0.6 that datasheets give, none was measured");
      return;
    }
    ssd_.mix_penalty = std::clamp(std::round(found->penalty * 1e3) / 1e3, 0.0, 0.95);
    std::vector<const MeasuredPoint*> mixed;
    for (const Commands& one : commands_) {
      if (one.drive.write_share > 0 && one.drive.write_share < 1) mixed.push_back(one.point);
    }
    ssd_.sources["mix_penalty"] =
        maker_.measured(fmt::format("{} mixtures of reads and writes", mixed.size()), mixed);
  }

  /// What is written goes on and on: a drive is as fast as it is then, whether it got slower while
  /// it was looked at, or was slow from the start because earlier points had filled its cache.
  void sustained() {
    for (const MeasuredPoint* point : points_of(maker_.run, "ssd")) {
      const Shape shape(*point);
      if (shape.text("op") != kSustained || point->sample.series.size() < kFewestWindows) {
        continue;
      }
      const double seconds = shape.needed("window_ms") / 1e3;
      std::vector<WriteWindow> windows;
      for (const double rate : point->sample.series) {
        windows.push_back({seconds, Bytes{std::llround(rate * kGB * seconds)}});
      }
      const SustainedWrites found = sustained_writes(windows);
      if (found.last >= ssd_.write.bandwidth) continue;
      ssd_.write.bandwidth = kept(found.last);
      ssd_.sources["write.bandwidth"] = maker_.measured(
          fmt::format("the last quarter of sustained writes{}, after {:.3g} GB of them",
                      found.falls ? ", which got slower" : "",
                      static_cast<double>(found.before.count()) / kGB),
          {point});
    }
  }

  void facts() {
    const auto disk = maker_.run.host.value("disk", nlohmann::ordered_json::object());
    const bool is_virtual = disk.value("virtual", true);
    const std::string model = disk.value("model", std::string("disk"));
    ssd_.name = is_virtual ? model + ", virtual" : model;
    ssd_.bus = disk.value("kind", std::string());
    const double size = disk.value("capacity_bytes", 0.0);
    ssd_.capacity = size > 0 ? Bytes{std::llround(size)} : kUnknownCapacity;
    ssd_.sources["capacity"] = size > 0 ? maker_.measured("what the machine says of its disk", {})
                                        : maker_.assumed("1 TB, the run does not say");
    ssd_.io_size = kIoSize;
    ssd_.sources["io_size"] = maker_.assumed("as engines split large reads");
    ssd_.sources["queue_depth"] = maker_.assumed("as engines issue");
    ssd_.sources["dwpd"] = maker_.assumed("a usual rating, no measurement tells it");
    assume_unmeasured(maker_, ssd_.sources,
                      {"line_rate", "sequential_endurance", "power", "idle_power"});
    if (const int drives = disk.value("drives", 1); drives > 1) {
      maker_.notes.push_back(fmt::format(
          "the disk is made of {} drives: its laws are those of all together, and of no "
          "drive that is sold",
          drives));
    }
    if (is_virtual) {
      maker_.notes.emplace_back(
          "the disk is virtual: its laws are those of this machine, and of no drive that is sold");
    }
  }

  PartMaker& maker_;
  std::vector<Commands> commands_;
  std::vector<DrivePoint> points_;
  SsdSpec ssd_;
};

}  // namespace

std::optional<SsdSpec> disk_part(PartMaker& maker) {
  std::optional<SsdSpec> ssd = DiskMaker(maker).make();
  maker.trusted = true;  // again
  return ssd;
}

}  // namespace terrace::calibrate
