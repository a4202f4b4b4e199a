#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <string>

#include <fmt/format.h>

#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/session.hpp"
#include "calibrate/verbs.hpp"
#include "sim/app/arguments.hpp"
#include "sim/app/interrupt.hpp"
#include "sim/app/output.hpp"
#include "sim/app/status_line.hpp"
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
  table.add(total.row("total"));
  std::string text = table.text() + "\n" + what;
  if (session.done() > 0) {
    text += fmt::format("\n{} of {} points are measured already\n", session.done(), total.points);
  }
  return text;
}

std::string progress_text(const RunProgress& progress) {
  return fmt::format("{} points  {} left  {}", app::bar(progress.done, progress.all),
                     app::humane(progress.left), progress.id);
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
  text += "\n";
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
  options.families = chosen_families(arguments.value("only").value_or(""), families());
  if (arguments.has("threads")) {
    options.threads = static_cast<int>(arguments.count("threads", 1, kMostThreads));
  }
  return options;
}

ExitCode run_session(Session& session, const fs::path& points, bool quiet) {
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
    note(
        fmt::format("terrace: stopped by a signal: {} of {} points are measured and kept; the "
                    "same command goes on with the others",
                    session.done(), session.plan().size()));
    return ExitCode::interrupted;
  }
  replace_file(points, points_text(*run));
  session.forget();
  if (!quiet) print(fmt::format("{}: {}", points.string(), findings_text(*run)));
  return ExitCode::ok;
}

ExitCode run(const Arguments& arguments) {
  const MeasuringOptions options = options_of(arguments);
  const auto out = arguments.value("out");
  if (!out && !arguments.has("dry-run")) {
    throw UsageError("--out NAME says where to: NAME.points.json and NAME.yaml");
  }
  const fs::path points = with_suffix(out.value_or(""), ".points.json");
  const fs::path journal = with_suffix(out.value_or(""), ".points.journal");
  if (out && arguments.has("fresh")) {
    std::error_code none;
    if (!arguments.has("dry-run")) fs::remove(journal, none);
  } else if (out && fs::exists(points)) {
    throw UsageError(
        fmt::format("{} is there already: choose another --out, or replace it with "
                    "--fresh",
                    points.string()));
  }
  Session session(options, journal);
  if (arguments.has("dry-run")) {
    print(plan_text(session));
    return ExitCode::ok;
  }
  return run_session(session, points, arguments.has("quiet"));
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
    Option{"quiet", "", "print nothing but errors"}};

}  // namespace

constinit const app::Verb kMeasure = {
    .name = "calibrate",
    .summary = "measure this machine, and make a hardware profile of it",
    .positionals = {},
    .options = kOptions,
    .notes =
        "  terrace calibrate --quick --disk /mnt/nvme --out mine\n"
        "\n"
        "Points are measured in a random order, each as the median of 15 batches of a millisecond "
        "or\nmore, on random data that is in no cache unless it is meant to be ('l2': cold or "
        "hot).\nA point that varies by more than 10 % at its second try, too, is kept and flagged "
        "'unstable'.\nEvery 20 seconds the same small job is done: if its rate is off by more than "
        "10 %, the points\naround it are flagged 'drift'. Clocks and settings are never touched.\n"
        "\n"
        "A run that was stopped goes on with the same command: what is done is in\n"
        "NAME.points.journal until it is complete. One calibration at a time runs on a machine. "
        "The exit\nstatus is 1 if there is no such device.\n",
    .run = run};

}  // namespace terrace::calibrate
