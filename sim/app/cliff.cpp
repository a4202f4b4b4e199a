#include "sim/study/load/cliff.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "sim/app/arguments.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/cliff_report.hpp"
#include "sim/app/interrupt.hpp"
#include "sim/app/knob.hpp"
#include "sim/app/output.hpp"
#include "sim/app/progress.hpp"
#include "sim/app/scenario_options.hpp"
#include "sim/app/study_options.hpp"

namespace terrace::app {
namespace {

constexpr std::int64_t kMostHalvings = 60;
constexpr double kShown = 0.99;  // the TTFT that is shown where nothing is bounded

std::optional<Cliff> watched_search(const TurnedKnob& turned, const std::vector<SloBound>& bounds,
                                    CliffOptions options) {
  const InterruptWatch watch;
  StatusLine line(true, false);
  std::size_t done = 0;
  options.proceed = [&](std::size_t runs, std::size_t breaks) {
    done = runs;
    if (line.due()) {
      line.show(runs < turned.values.size()
                    ? fmt::format("{}/{} points", runs, turned.values.size())
                    : fmt::format("{} points  {} breaks narrowed down", runs, breaks));
    }
    return !InterruptWatch::interrupted();
  };
  auto cliff = find_cliff(turned.knob, turned.values, bounds, options);
  if (!cliff) {
    note(
        fmt::format("terrace: stopped by a signal after {} points, {} of them of the range; "
                    "nothing is kept",
                    done, std::min(done, turned.values.size())));
  }
  return cliff;
}

ExitCode run(const Arguments& arguments) {
  CliffOptions options;
  options.precision = precision_of(arguments);
  options.jobs = jobs_of(arguments);
  if (const auto halvings = arguments.number("refine")) {
    if (*halvings < 0 || *halvings > kMostHalvings) {
      throw UsageError(
          fmt::format("--refine must be between 0 and {}, not {}", kMostHalvings, *halvings));
    }
    options.halvings = static_cast<std::size_t>(*halvings);
  }
  const config::Catalogue catalogue = open_catalogue(arguments);
  const TurnedKnob turned = read_knob(arguments, catalogue);
  check_repeatable(turned.scenario);
  std::vector<SloBound> bounds = slo_bounds(arguments, turned.scenario);
  if (bounds.empty()) bounds.push_back({{}, Latency::ttft, kShown, Duration::max()});
  check_long_enough(turned.knob.scenario(turned.values.front()), bounds);

  const auto cliff = watched_search(turned, bounds, options);
  if (!cliff) return ExitCode::interrupted;
  const CliffReport report{turned.scenario, turned.knob.name, *cliff, bounds};
  if (const auto path = arguments.value("csv")) write_cliff_csv(report, *path);
  if (const auto path = arguments.value("plot")) write_cliff_plot(report, *path);
  print(arguments.has("json") ? cliff_json(report) : cliff_text(report));
  return ExitCode::ok;
}

constexpr std::array kPositionals = {Positional{
    "SCENARIO.yaml", "a file, or a name of 'terrace list workloads'", false, Words::file}};

constexpr std::array kOptions = {
    kVaryOption,
    kSloOption,
    kHwOption,
    kSetOption,
    kTraceOption,
    kRequestsOption,
    kSeedOption,
    kPrecisionOption,
    Option{"refine", "N", "halve the gap at a break at most so often; 0: no point but the range's"},
    kJobsOption,
    Option{"csv", "FILE", "write all points there", Words::file},
    Option{"plot", "FILE.svg", "draw the first bound's figure against the knob", Words::file},
    Option{"json", "", "print the answer as JSON, and nothing else"},
    kCatalogOption};

}  // namespace

constinit const Verb kCliff = {
    .name = "cliff",
    .summary = "turn one knob of a scenario and find where it breaks, and what saturates",
    .positionals = kPositionals,
    .options = kOptions,
    .notes =
        "KEY is load (a factor on the load of all clients), rate (per second, of requests that "
        "come by\n"
        "themselves: of conversations, the first ones), users (of closed loops), or any number of "
        "the scenario, by its\n"
        "path as with --set or by its end if there is one such: max_num_seqs. RANGE is FROM..TO,\n"
        "FROM..TO xFACTOR or FROM..TO +STEP; nine points if it has no step.\n\n"
        "A point is broken if a bound of --slo is missed after the warm-up, if the queue grows, "
        "if\n"
        "more than 1 % of the requests are rejected, or if it cannot even start. Between two\n"
        "neighbours of which one is broken, the gap is halved until it is as small as "
        "--precision.\n"
        "Without --slo, the clients' own SLOs hold at p99, if they have any.\n\n"
        "  terrace cliff quickstart --vary load=0.5..2\n"
        "  terrace cliff quickstart --vary 'tiers[0].capacity=1GiB..32GiB x2' --slo ttft_p99=1s\n"
        "  terrace cliff my.yaml --vary rate=1..50 --slo ttft_p99=2s --plot cliff.svg\n"
        "  terrace cliff my.yaml --vary max_num_seqs=8..512 --csv points.csv\n",
    .run = run};

}  // namespace terrace::app
