#include <array>
#include <filesystem>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "calibrate/lab_options.hpp"
#include "calibrate/measure_report.hpp"
#include "calibrate/measuring/environment.hpp"
#include "calibrate/measuring/proven.hpp"
#include "calibrate/measuring/run_place.hpp"
#include "calibrate/measuring/session.hpp"
#include "calibrate/profile/machine_profile.hpp"
#include "calibrate/verbs.hpp"
#include "kernels/kernel_set.hpp"
#include "sim/app/arguments.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/interrupt.hpp"
#include "sim/app/output.hpp"
#include "sim/app/status_line.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/report/output_file.hpp"

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

/// Says of what was not timed why; whether there is such a thing.
bool tell_wrong_kernels(const MeasuredRun& run) {
  const auto wrong = condemned(run.findings);
  for (const auto& [family, why] : wrong) {
    note(fmt::format("terrace: {} was not timed: {}", family, why));
  }
  if (wrong.empty()) return false;
  std::set<std::string_view> planned;
  for (const MeasuredPoint& point : run.points) planned.insert(point.family);
  note(
      fmt::format("terrace: this device computes wrong results: {} of {} families are missing from "
                  "what was measured and from the profile",
                  wrong.size(), planned.size()));
  return true;
}

MeasuringOptions options_of(const Arguments& arguments) {
  MeasuringOptions options;
  options.device = arguments.value("device").value_or(options.device);
  if (const auto disk = arguments.value("disk")) options.disk = *disk;
  options.quick = arguments.has("quick");
  options.fresh = arguments.has("fresh");
  options.plan_only = arguments.has("dry-run");
  if (const auto only = arguments.value("only")) {
    options.families = chosen_families(*only, families());
  }
  options.threads = threads_of(arguments, usable_cores());
  return options;
}

/// What the profile is good for: what was measured decides which tiers a scenario may have.
std::string use_text(const HardwareSpec& machine, const std::string& name) {
  std::string text = fmt::format("  terrace run small-machine --hw {}", name);
  if (!machine.ssd) {
    text +=
        " --set 'tiers=[{name: memory, medium: dram, capacity: 2 GiB}]'  # no disk was measured";
  }
  text += "\n";
  if (!machine.kernels && machine.gpu.kernels.empty()) {
    text += "step times come from a roofline alone: its notes say why there are no kernels' laws\n";
  }
  return text;
}

/// Of points of some families alone, or of those that are right, there may be none: that is said.
void make_profile(const MeasuredRun& run, const RunPlace& place, const Arguments& arguments) {
  MachineProfile profile;
  try {
    profile = machine_profile(run, app::open_catalogue(arguments), place.points().string());
  } catch (const config::ConfigError& e) {
    const bool all_is_right = condemned(run.findings).empty();
    if (!arguments.has("only") && all_is_right) throw;
    note(fmt::format("terrace: no profile {}: {}",
                     all_is_right ? "of these families alone" : "without what was found wrong",
                     e.what()));
    return;
  }
  try {
    replace_file(place.profile(), machine_yaml(profile, run));
  } catch (const CannotWrite& e) {
    throw std::runtime_error(
        fmt::format("{}; all points are kept: 'terrace calibrate report {} --profile {}' makes it "
                    "of them",
                    e.what(), place.name(), place.profile().string()));
  }
  if (arguments.has("quiet")) return;
  print(fmt::format("{}: the machine; 'terrace calibrate report {}' says how well it fits\n{}",
                    place.profile().string(), place.name(),
                    use_text(profile.machine, place.name())));
}

std::optional<MeasuredRun> measured(Session& session, bool quiet) {
  const InterruptWatch watch;
  app::StatusLine line(!quiet, false);
  return session.measure([] { return InterruptWatch::interrupted(); },
                         [&](const RunProgress& progress) {
                           if (line.due()) line.show(progress_text(progress));
                         });
}

ExitCode run_session(Session& session, const RunPlace& place, const Arguments& arguments) {
  const bool quiet = arguments.has("quiet");
  if (session.done() > 0 && !quiet) {
    note(fmt::format("terrace: {} of {} points are known from before", session.done(),
                     session.plan().size()));
  }
  std::optional<MeasuredRun> run;
  try {
    run = measured(session, quiet);
    if (run) replace_file(place.points(), points_text(*run));
  } catch (const CannotWrite& e) {
    throw std::runtime_error(fmt::format("{}; {}", e.what(), session.kept()));
  } catch (const kernels::DeviceLost& e) {
    throw std::runtime_error(
        fmt::format("{}; the device is lost to this process; {}", e.what(), session.kept()));
  }
  if (!run) {
    note(fmt::format("terrace: stopped by a signal: {}", session.kept()));
    return ExitCode::interrupted;
  }
  session.forget();
  if (!quiet) print(fmt::format("{}: {}", place.points().string(), findings_text(*run)));
  make_profile(*run, place, arguments);
  const bool wrong = tell_wrong_kernels(*run);
  return wrong || most_failed(*run) ? ExitCode::failure : ExitCode::ok;
}

ExitCode run(const Arguments& arguments) {
  const MeasuringOptions options = options_of(arguments);
  std::optional<RunPlace> place;
  if (const auto out = arguments.value("out")) place.emplace(*out);
  if (options.plan_only) {
    print(plan_text(Session(options, place ? place->journal() : fs::path())));
    return ExitCode::ok;
  }
  if (!place) throw UsageError("--out NAME says where to: NAME.points.json and NAME.yaml");
  static_cast<void>(app::open_catalogue(arguments));  // or an hour later there is no profile
  Session session(options, place->journal());  // what is wrong with other options is told first
  if (!options.fresh) place->check_free();
  place->check_writable();
  return run_session(session, *place, arguments);
}

constexpr std::array kOptions = {
    Option{"out", "NAME", "where to: NAME.points.json and NAME.yaml", Words::file},
    Option{"device", "DEVICE", "cpu or cuda:0; cpu if left out"},
    Option{"disk", "DIR", "measure the disk that DIR is on, in a file that nobody else sees",
           Words::directory},
    Option{"quick", "", "fewer points: two minutes instead of six"},
    Option{"only", "FAMILY,...", "measure these families only; --dry-run lists them"},
    Option{"threads", "N", "of the processor; all cores that may be used if left out"},
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
        "  terrace run small-machine --hw mine\n"
        "\n"
        "NAME.points.json has every point and what the machine is, NAME.yaml what follows for\n"
        "simulations. Of the disk only room is used, and given back however the program ends.\n"
        "A GPU's link is measured by scattered blocks, too, and the disk by GPUDirect Storage\n"
        "where libcufile is installed.\n"
        "\n"
        "Points are measured in a random order, each as the median of 15 batches of a millisecond "
        "or\nmore, on random data that is in no cache unless it is meant to be ('l2': cold or "
        "hot).\nA point that varies by more than 10 % at its second try, too, is kept and flagged "
        "'unstable'.\nEvery 20 seconds the same small job is done: if its rate is off by more than "
        "10 %, the points\naround it are flagged 'drift'; so they are around a new reason of a GPU "
        "to be slow, "
        "heat or power,\nas NVML tells. Clocks and settings are never touched.\n"
        "\n"
        "Before any of it, each kind of kernel is compared with a reference in fp64, on small "
        "random\n"
        "operands, on this very device. What times a wrong one is left out, and said to be; the "
        "exit\n"
        "status is 1 then.\n"
        "\n"
        "A run that was stopped goes on with the same command: what is done is in\n"
        "NAME.points.journal until it is complete. One calibration at a time runs on a machine: "
        "who "
        "runs one\nholds a lock in /run/lock, or else /dev/shm or /tmp. Containers that share a "
        "machine do not see each\nother's, unless TERRACE_LOCK_DIR=DIR names a directory that "
        "they share. The exit status is 1 if there\nis no such device, and if most points could "
        "not be measured.\n",
    .run = run};

}  // namespace terrace::calibrate
