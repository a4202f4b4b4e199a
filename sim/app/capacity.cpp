#include "sim/study/load/capacity.hpp"

#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "sim/app/arguments.hpp"
#include "sim/app/capacity_report.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/interrupt.hpp"
#include "sim/app/output.hpp"
#include "sim/app/progress.hpp"
#include "sim/app/scenario_options.hpp"
#include "sim/app/study_options.hpp"
#include "sim/study/run.hpp"

namespace terrace::app {
namespace {

constexpr std::int64_t kUsualSeeds = 5;
constexpr std::int64_t kMostSeeds = 1000;

std::string edge_text(const Edge& edge) {
  if (edge.yes && edge.no)
    return fmt::format("between {:.4g} and {:.4g} times the load", *edge.yes, *edge.no);
  if (edge.yes) return fmt::format("above {:.4g} times the load", *edge.yes);
  if (edge.no) return fmt::format("below {:.4g} times the load", *edge.no);
  return "nothing is known yet";
}

std::optional<Capacity> watched_search(const Scenario& scenario,
                                       const std::vector<SloBound>& bounds,
                                       CapacityOptions options) {
  const InterruptWatch watch;
  StatusLine line(true, false);
  CapacityProgress last;
  options.proceed = [&](const CapacityProgress& progress) {
    last = progress;
    if (line.due()) {
      line.show(fmt::format("{} runs  {}/{} seeds  {}", progress.runs, progress.seeds_done,
                            progress.seeds, edge_text(progress.first)));
    }
    return !InterruptWatch::interrupted();
  };
  auto capacity = find_capacity(scenario, bounds, options);
  if (!capacity) {
    note(
        fmt::format("terrace: stopped by a signal after {} runs; {} of {} seeds are done; by the "
                    "first, the capacity is {}",
                    last.runs, last.seeds_done, last.seeds, edge_text(last.first)));
  }
  return capacity;
}

ExitCode run(const Arguments& arguments) {
  CapacityOptions options;
  options.precision = precision_of(arguments);
  options.jobs = jobs_of(arguments);
  const auto requests = requests_of(arguments);
  const Scenario scenario =
      load_chosen(arguments, arguments.positional(0), open_catalogue(arguments)).scenario;
  // A trace is the same for every seed.
  options.seeds = static_cast<std::size_t>(
      arguments.count("seeds", scenario.workload.trace ? 1 : kUsualSeeds, kMostSeeds));
  check_repeatable(scenario);
  const std::vector<SloBound> bounds = slo_bounds(arguments, scenario);
  if (bounds.empty()) {
    throw UsageError(
        "no client of the scenario has an SLO: say --slo ttft_p99=2s,tpot_p99=50ms, or give a "
        "client one, as in slo: {ttft: 2 s}");
  }
  const Scenario fixed = searchable(scenario, requests);
  check_long_enough(fixed, bounds);
  check_users_return(fixed);
  const auto capacity = watched_search(fixed, bounds, options);
  if (!capacity) return ExitCode::interrupted;
  const CapacityReport report{*capacity, scenario, bounds, PreparedRun(scenario).dimensions(),
                              options.precision};
  print(arguments.has("json") ? capacity_json(report) : capacity_text(report));
  return ExitCode::ok;
}

constexpr std::array kPositionals = {Positional{
    "SCENARIO.yaml", "a file, or a name of 'terrace list workloads'", false, Words::file}};

constexpr std::array kOptions = {
    kSloOption,
    kHwOption,
    kSetOption,
    kTraceOption,
    kRequestsOption,
    Option{"seeds", "N", "how many seeds are searched; 5 if left out, 1 for a trace"},
    kSeedOption,
    kPrecisionOption,
    kJobsOption,
    Option{"json", "", "print the answer as JSON, and nothing else"},
    kCatalogOption};

}  // namespace

constinit const Verb kCapacity = {
    .name = "capacity",
    .summary = "find the highest load at which a scenario meets its SLO",
    .positionals = kPositionals,
    .options = kOptions,
    .notes =
        "A bound is [CLIENT.]LATENCY[_STATISTIC]=TIME. LATENCY is ttft (to the first token), tpot\n"
        "(per further token) or e2e (to the last); STATISTIC is mean, p50, p90, p95, p99 (if left\n"
        "out) or p99.9. Without --slo, those of the clients hold: slo: {ttft: 1 s, tpot: 50 "
        "ms}.\n\n"
        "The load is the rates of all clients together, users of closed loops, or the speed of a\n"
        "trace; it is doubled or halved until the answer changes, then narrowed down. A run "
        "passes\n"
        "if all bounds hold after its warm-up and its queue does not grow. Every seed is searched\n"
        "for itself, with the same random draws at every load.\n\n"
        "  terrace capacity quickstart\n"
        "  terrace capacity quickstart --slo ttft_p99=2s,tpot_mean=50ms --set serving.replicas=2\n"
        "  terrace capacity my.yaml --slo chat.ttft_p99=1s,batch.e2e_p99=60s --requests 20000\n"
        "  terrace capacity my.yaml --trace conversation.jsonl --slo ttft=2s\n\n"
        "The exit status is 4 if the SLO is missed however little comes.\n",
    .run = run};

}  // namespace terrace::app
