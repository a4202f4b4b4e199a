#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <string>

#include <fmt/format.h>

#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/session.hpp"
#include "calibrate/profile/gpu_clocks.hpp"
#include "calibrate/profile/machine_profile.hpp"
#include "calibrate/verbs.hpp"
#include "sim/app/arguments.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/interrupt.hpp"
#include "sim/app/output.hpp"
#include "sim/app/status_line.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/report/human.hpp"
#include "sim/report/output_file.hpp"
#include "sim/report/table.hpp"

namespace terrace::calibrate {
namespace {

using app::Arguments;
using app::ExitCode;
using app::InterruptWatch;
using app::note;
using app::Option;
using app::print;
using app::UsageError;
using app::Words;

namespace fs = std::filesystem;

constexpr std::int64_t kMostThreads = 1024;
constexpr std::string_view kPoints = ".points.json";
constexpr std::string_view kJournal = ".points.journal";

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
  if (session.paces_are_usual()) {
    text += "\ntimes are a usual machine's: another calibration is under way on this one\n";
  }
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

/// What is to be known about the quality of what was measured.
std::string findings_text(const MeasuredRun& run) {
  const auto count = [&](auto predicate) {
    return std::count_if(run.points.begin(), run.points.end(), predicate);
  };
  const auto failed = count([](const MeasuredPoint& p) { return !p.error.empty(); });
  const auto unstable = count([](const MeasuredPoint& p) { return !p.sample.stable; });
  const auto drifted = count([](const MeasuredPoint& p) { return p.drifted; });
  double drift = 0;
  for (const SentinelReading& reading : run.sentinels) drift = std::max(drift, reading.drift);
  std::string text = fmt::format("{} points", run.points.size());
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
    if (!point.error.empty()) text += fmt::format("  {}: {}\n", point.id, point.error);
  }
  return text;
}

fs::path with_suffix(const std::string& out, std::string_view suffix) {
  return out + std::string(suffix);
}

MeasuringOptions options_of(const Arguments& arguments) {
  MeasuringOptions options;
  options.device = arguments.value("device").value_or(options.device);
  if (const auto disk = arguments.value("disk")) options.disk = *disk;
  options.quick = arguments.has("quick");
  options.fresh = arguments.has("fresh");
  options.plan_only = arguments.has("dry-run");
  options.families = chosen_families(arguments.value("only").value_or(""), families());
  if (arguments.has("threads")) {
    options.threads = static_cast<int>(arguments.count("threads", 1, kMostThreads));
  }
  return options;
}

/// Of points of some families alone there may be none, and nobody minds.
void make_profile(const MeasuredRun& run, const std::string& name, const Arguments& arguments) {
  std::string text;
  try {
    text = machine_yaml(machine_profile(run, app::open_catalogue(arguments)), run);
  } catch (const config::ConfigError& e) {
    if (!arguments.has("only")) throw;
    note(fmt::format("terrace: no profile of these families alone: {}", e.what()));
    return;
  }
  const fs::path profile = with_suffix(name, ".yaml");
  replace_file(profile, text);
  if (arguments.has("quiet")) return;
  print(
      fmt::format("{}: the machine, for 'terrace run quickstart --hw {}'; 'terrace calibrate "
                  "report {}' says how well it fits\n",
                  profile.string(), name, name));
}

ExitCode run_session(Session& session, const std::string& name, const Arguments& arguments) {
  const bool quiet = arguments.has("quiet");
  const InterruptWatch watch;
  if (session.done() > 0 && !quiet) {
    note(fmt::format("terrace: {} of {} points are known from before", session.done(),
                     session.plan().size()));
  }
  std::optional<MeasuredRun> run;
  {
    app::StatusLine line(!quiet, false);
    run = session.measure([] { return InterruptWatch::interrupted(); },
                          [&](const RunProgress& progress) {
                            if (line.due()) line.show(progress_text(progress));
                          });
  }
  if (!run) {
    note(fmt::format(
        "terrace: stopped by a signal: {} of {} points are measured and kept; the "
        "same command{} goes on with the others",
        session.done(), session.plan().size(), arguments.has("fresh") ? " without --fresh" : ""));
    return ExitCode::interrupted;
  }
  const fs::path points = with_suffix(name, kPoints);
  replace_file(points, points_text(*run));
  session.forget();
  if (!quiet) print(fmt::format("{}: {}", points.string(), findings_text(*run)));
  make_profile(*run, name, arguments);
  return ExitCode::ok;
}

/// Throws about what is there already and in the way.
void check_place(const std::string& name) {
  const fs::path points = with_suffix(name, kPoints);
  std::error_code none;
  if (fs::exists(points, none) && !fs::exists(with_suffix(name, kJournal), none)) {
    throw UsageError(
        fmt::format("{} is there already: choose another --out, or replace it with "
                    "--fresh",
                    points.string()));
  }
}

ExitCode run(const Arguments& arguments) {
  MeasuringOptions options = options_of(arguments);
  const auto name = arguments.value("out");
  if (options.plan_only) {
    print(plan_text(Session(options, name ? with_suffix(*name, kJournal) : fs::path())));
    return ExitCode::ok;
  }
  if (!name) throw UsageError("--out NAME says where to: NAME.points.json and NAME.yaml");
  if (!options.fresh) check_place(*name);
  Session session(options, with_suffix(*name, kJournal));
  return run_session(session, *name, arguments);
}

constexpr std::array kOptions = {
    Option{"out", "NAME", "where to: NAME.points.json and NAME.yaml", Words::file},
    Option{"device", "DEVICE", "cpu or cuda:0; cpu if left out"},
    Option{"disk", "DIR", "measure the disk that DIR is on, in a file that nobody else sees",
           Words::directory},
    Option{"quick", "", "fewer points: two minutes instead of six"},
    Option{"only", "FAMILY,...", "measure these families only; --dry-run lists them"},
    Option{"threads", "N", "of the processor; as many as it has cores if left out"},
    Option{"dry-run", "", "say what would be measured, how long, and what is written to the disk"},
    Option{"fresh", "", "replace what is there, and do not go on with a run that was stopped"},
    Option{"quiet", "", "print nothing but errors"},
    app::kCatalogOption};

}  // namespace

constinit const app::Verb kMeasure = {
    .name = "calibrate",
    .summary = "measure this machine, and make a hardware profile of it",
    .positionals = {},
    .options = kOptions,
    .notes =
        "  terrace calibrate --quick --disk /mnt/nvme --out mine\n"
        "  terrace run quickstart --hw mine.yaml\n"
        "\n"
        "NAME.points.json has every point and what the machine is, NAME.yaml what follows for\n"
        "simulations. Of the disk only room is used, and given back however the program ends.\n"
        "\n"
        "Points are measured in a random order, each as the median of 15 batches of a millisecond "
        "or\nmore, on random data that is in no cache unless it is meant to be ('l2': cold or "
        "hot).\nA point that varies by more than 10 % at its second try, too, is kept and flagged "
        "'unstable'.\nEvery 20 seconds the same small job is done: if its rate is off by more than "
        "10 %, the points\naround it are flagged 'drift'; so they are around a new reason of a GPU "
        "to be slow, "
        "heat or power,\nas NVML tells. Clocks and settings are never touched.\n"
        "\n"
        "A run that was stopped goes on with the same command: what is done is in\n"
        "NAME.points.journal until it is complete. One calibration at a time runs on a machine. "
        "The exit\nstatus is 1 if there is no such device.\n",
    .run = run};

}  // namespace terrace::calibrate
