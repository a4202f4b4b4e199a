#include "sim/study/run.hpp"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/app/arguments.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/interrupt.hpp"
#include "sim/app/output.hpp"
#include "sim/app/progress.hpp"
#include "sim/app/scenario_options.hpp"
#include "sim/report/error_bars.hpp"
#include "sim/report/json.hpp"
#include "sim/report/run_directory.hpp"
#include "sim/report/terminal.hpp"

namespace terrace::app {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kExclusive{
    {{"print-config", "out"},
     {"print-config", "uncertainty"},
     {"quiet", "uncertainty"},
     {"print-config", "json"},
     {"print-config", "quiet"},
     {"json", "quiet"}}};

/// The command that gives these results again: where they were put is no part of it.
std::vector<std::string> reproducing_argv(const Arguments& arguments) {
  std::vector<std::string> argv = {"terrace"};
  const std::vector<std::string>& words = arguments.words();
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--out") {
      ++i;
    } else if (!words[i].starts_with("--out=")) {
      argv.push_back(words[i]);
    }
  }
  return argv;
}

/// Simulates until the end, or until the user has had enough.
Summary watched_run(PreparedRun& prepared, const Scenario& scenario, bool progress,
                    std::vector<Observer*> observers) {
  const InterruptWatch watch;
  ProgressLine line(scenario, progress);
  return prepared.run({std::move(observers), [&](const Progress& p) {
                         line.show(p);
                         return !InterruptWatch::interrupted();
                       }});
}

/// The scenario at one end of the error bars of its step times.
Summary run_at(Scenario scenario, Confidence end, bool progress) {
  scenario.serving.cost.estimate = end;
  PreparedRun prepared(scenario);
  return watched_run(prepared, scenario, progress, {});
}

/// Error bars that would silently be none are a mistake.
void check_has_error_bars(const Scenario& scenario) {
  const CostBackend chosen = backend(scenario);
  if (chosen != CostBackend::fitted && chosen != CostBackend::roofline) {
    throw UsageError(
        fmt::format("--uncertainty: cost.backend: {} has no error bars; choose fitted "
                    "or roofline",
                    config::Scalar<CostBackend>::format(chosen)));
  }
  if (scenario.serving.cost.estimate != Confidence::base) {
    throw UsageError("--uncertainty takes both ends: leave serving.cost.estimate at base");
  }
}

ExitCode run(const Arguments& arguments) {
  arguments.check_exclusive(kExclusive);
  if (arguments.has("misses") && !arguments.has("out") && !arguments.has("json") &&
      !arguments.has("print-config")) {
    throw UsageError("--misses has no effect without --out DIR or --json: nothing would show it");
  }
  constexpr std::array kShorthands = {Shorthand{"misses", "output.misses"}};
  check_each_counts(arguments, {}, kShorthands);
  std::vector<std::string> sets;
  if (arguments.has("misses")) sets.emplace_back("output.misses=true");
  const Scenario scenario =
      load_chosen(arguments, arguments.positional(0), open_catalogue(arguments), sets).scenario;
  const std::string resolved = resolved_yaml(scenario);
  if (arguments.has("print-config")) {
    print(resolved);
    return ExitCode::ok;
  }

  if (arguments.has("uncertainty")) check_has_error_bars(scenario);
  PreparedRun prepared(scenario);
  const auto out = arguments.value("out");
  std::optional<RunDirectory> directory;
  if (out) directory.emplace(*out, prepared.dimensions().block_bytes);

  const bool quiet = arguments.has("quiet");
  const Summary summary = watched_run(
      prepared, scenario, !quiet, directory ? directory->observers() : std::vector<Observer*>{});
  const ReportHeader header = make_header(scenario, prepared.dimensions());
  if (directory) {
    directory->finish(summary, header,
                      {TERRACE_VERSION, scenario.seed, reproducing_argv(arguments), resolved});
  }
  bool complete = summary.complete;
  if (arguments.has("uncertainty") && complete) {
    const Summary low = run_at(scenario, Confidence::low, !quiet);
    const Summary high = run_at(scenario, Confidence::high, !quiet);
    const ErrorBars bars{low, summary, high};
    if (arguments.has("json")) {
      auto json = to_json(summary, header);
      json["error_bars"] = error_bar_json(bars);
      print(json_text(json));
    } else {
      print(render(summary, header) + "\n" + error_bar_text(bars));
    }
    complete = low.complete && high.complete;
  } else if (arguments.has("json")) {
    print(json_text(summary, header));
  } else if (!quiet) {
    print(render(summary, header));
  }
  if (complete) return ExitCode::ok;
  note("terrace: PARTIAL: stopped by a signal; the results are of the part that ran");
  return ExitCode::interrupted;
}

constexpr std::array kPositionals = {Positional{
    "SCENARIO.yaml", "a file, or a name of 'terrace list workloads'", false, Words::file}};

constexpr Option kMissesOption{"misses", "",
                               "record why tokens were missed, for 'terrace explain --misses DIR'"};

constexpr std::array kOptions = {
    kTraceOption,
    kSeedOption,
    kHwOption,
    kSetOption,
    Option{"out", "DIR", "write the results there as files", Words::directory},
    kMissesOption,
    Option{"uncertainty", "", "run it with all step times at either end of their error bars, too"},
    Option{"json", "", "print the summary as JSON, and nothing else"},
    Option{"quiet", "", "print nothing but errors"},
    Option{"print-config", "", "print the scenario, every value spelled out, and do not run it"},
    kCatalogOption};

}  // namespace

constinit const Verb kRun = {
    .name = "run",
    .summary = "simulate a scenario and say what happened",
    .positionals = kPositionals,
    .options = kOptions,
    .notes =
        "With --trace alone, the trace is replayed on the machine of 'quickstart'.\n"
        "Ctrl-C stops a run and reports the part that ran; a second one gives up.\n\n"
        "  terrace run quickstart\n"
        "  terrace run my.yaml --set serving.replicas=2 --set 'tiers[0].capacity=1 TiB'\n"
        "  terrace run my.yaml --trace conversation.jsonl --out results/conversation\n",
    .run = run};

}  // namespace terrace::app
