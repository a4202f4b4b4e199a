#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "sim/app/arguments.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/interrupt.hpp"
#include "sim/app/output.hpp"
#include "sim/app/progress.hpp"
#include "sim/app/scenario_options.hpp"
#include "sim/app/study_folder.hpp"
#include "sim/app/study_options.hpp"
#include "sim/app/sweep_report.hpp"
#include "sim/scenario/locate.hpp"

namespace terrace::app {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kExclusive{
    {{"dry-run", "json"}, {"dry-run", "quiet"}, {"json", "quiet"}, {"fresh", "resume"}}};

/// The status of the worst failure.
ExitCode exit_code_of(const SweepResults& results) {
  ExitCode worst = ExitCode::ok;
  const auto rank = [](ExitCode code) {
    constexpr std::array kMilder = {ExitCode::ok, ExitCode::infeasible, ExitCode::invalid_input,
                                    ExitCode::failure, ExitCode::invariant};
    return std::find(kMilder.begin(), kMilder.end(), code) - kMilder.begin();
  };
  for (const auto& run : results.runs) {
    if (!run) continue;
    constexpr std::array kCodes = {ExitCode::ok, ExitCode::infeasible, ExitCode::invalid_input,
                                   ExitCode::invariant, ExitCode::failure};  // by RunStatus
    const ExitCode code = kCodes[static_cast<std::size_t>(run->status)];
    if (rank(code) > rank(worst)) worst = code;
  }
  return worst;
}

SweepResults watched_sweep(const SweepPlan& plan, RunStore& store, SweepOptions options,
                           bool quiet) {
  const InterruptWatch watch;
  SweepLine line(!quiet);
  bool first = true;
  options.proceed = [&](const SweepProgress& progress) {
    if (std::exchange(first, false) && progress.reused > 0 && !quiet) {
      note(fmt::format("terrace: {} of {} runs are known from before", progress.reused,
                       progress.runs));
    }
    line.show(progress);
    return !InterruptWatch::interrupted();
  };
  return run_sweep(plan, store, options);
}

ExitCode run_in(const fs::path& directory, const SweepPlan& plan, std::optional<std::size_t> base,
                const Arguments& arguments) {
  const bool quiet = arguments.has("quiet");
  StudyFolder folder(arguments, directory, "sweep", plan.text, {"runs.csv", "arms.csv"});
  const SweepResults results = watched_sweep(
      plan, folder.store(),
      {.jobs = jobs_of(arguments), .version = folder.version(), .proceed = {}}, quiet);
  if (!results.complete()) {
    note(
        fmt::format("terrace: stopped by a signal: {} of {} runs are done and kept, {} are left; "
                    "the same command goes on with them",
                    results.progress.done, results.progress.runs,
                    results.progress.runs - results.progress.done));
    return ExitCode::interrupted;
  }
  const SweepReport report{plan, results, base};
  write_sweep_csv(report, directory);
  if (arguments.has("json")) {
    print(sweep_json(report));
  } else if (!quiet) {
    print(sweep_text(report));
  }
  if (results.progress.failed > 0) {
    note(fmt::format("terrace: error: {} of {} runs failed; {} says why", results.progress.failed,
                     results.progress.runs, (directory / "runs.csv").string()));
  }
  return exit_code_of(results);
}

ExitCode run(const Arguments& arguments) {
  arguments.check_exclusive(kExclusive);
  SweepOverrides overrides;
  overrides.filters = arguments.all("filter");
  overrides.most_runs = static_cast<std::size_t>(
      arguments.count("max-runs", static_cast<std::int64_t>(overrides.most_runs), 1'000'000'000));
  static_cast<void>(jobs_of(arguments));  // a wrong one is told before anything is read
  const config::Catalogue catalogue = open_catalogue(arguments);
  overrides.sets = chosen_sets(arguments, catalogue);
  const std::string file = find_file(kSweepFile, *arguments.positional(0), catalogue);
  SweepPlan plan;
  std::optional<std::size_t> base;
  try {
    plan = load_sweep(file, catalogue, overrides);
    if (const auto name = arguments.value("compare")) base = find_arm(plan, *name);
  } catch (const NoSuchArm& e) {
    throw UsageError(e.what());
  }

  const fs::path directory = arguments.value("out").value_or("results/" + plan.name);
  if (arguments.has("dry-run")) {
    print(plan_text(plan, directory.string()));
    return ExitCode::ok;
  }
  return run_in(directory, plan, base, arguments);
}

constexpr std::array kPositionals = {
    Positional{"SWEEP.yaml", "a file, or a name of 'terrace list sweeps'", true, Words::file}};

constexpr std::array kOptions = {
    kOutOption,
    kJobsOption,
    Option{"dry-run", "", "say what would run, and check all of it"},
    Option{"filter", "KEY=VALUE", "only the arms with this value", Words::free, true},
    kHwOption,
    kSetOption,
    Option{"compare", "KEY=VALUE,..", "differences to this arm, seed by seed"},
    kResumeOption,
    kFreshOption,
    Option{"max-runs", "N", "refuse a sweep of more runs; 10000 if left out"},
    Option{"json", "", "print the arms as JSON, and nothing else"},
    Option{"quiet", "", "print nothing but errors"},
    kCatalogOption};

}  // namespace

constinit const Verb kSweep = {
    .name = "sweep",
    .summary = "run a scenario with every combination of some values, and rank them",
    .positionals = kPositionals,
    .options = kOptions,
    .notes =
        "A sweep file:\n"
        "  scenario: quickstart                      a file beside it, or 'terrace list "
        "workloads'\n"
        "  set: {workload.max_requests: 500}         for every run\n"
        "  axes:                                     every combination of\n"
        "    - {key: 'tiers[0].capacity', values: 16GiB..128GiB x2}     also 4..64 +4\n"
        "    - {key: 'tiers[0].write', values: [through, back]}\n"
        "    - zip:                                  keys that move together\n"
        "        - {key: serving.replicas, values: [1, 2]}\n"
        "        - {key: 'workload.clients[0].arrivals.rate', values: [1 /s, 2 /s]}\n"
        "  repeat: {seeds: 5}                        or [1, 2, 3]; the same for every arm\n"
        "  metrics: [ttft_mean, ttft_p99]            'terrace list metrics'\n"
        "  rank_by: ttft_mean\n"
        "  pareto: [ttft_p99, tier.dram.written_bytes]\n"
        "A value replaces what stands at its key, as with --set; it may be a mapping or a list.\n\n"
        "DIR holds sweep.sqlite (every run, all metrics, kept as soon as it is done), runs.csv,\n"
        "arms.csv and a copy of the sweep file; the tables have the arms last asked for. A sweep\n"
        "that was stopped or killed goes on where it was. Runs of another build of terrace, or of\n"
        "a trace that has changed, are done again.\n\n"
        "A run that fails does not stop the others. The exit status is that of the worst failure:\n"
        "6 the simulator contradicted itself, 1 the world, 3 a trace is wrong, 4 infeasible.\n",
    .run = run};

}  // namespace terrace::app
