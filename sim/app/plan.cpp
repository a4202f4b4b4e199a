#include "sim/study/plan/plan.hpp"

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "sim/app/arguments.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/interrupt.hpp"
#include "sim/app/output.hpp"
#include "sim/app/plan_report.hpp"
#include "sim/app/plan_words.hpp"
#include "sim/app/progress.hpp"
#include "sim/app/scenario_options.hpp"
#include "sim/app/study_folder.hpp"
#include "sim/app/study_options.hpp"
#include "sim/scenario/locate.hpp"

namespace terrace::app {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kDraws = 1000;
constexpr std::int64_t kMostDraws = 1'000'000;

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kExclusive{
    {{"dry-run", "json"},
     {"dry-run", "quiet"},
     {"json", "quiet"},
     {"fresh", "resume"},
     {"all", "json"},
     {"all", "quiet"},
     {"all", "dry-run"}}};

struct Answer {
  PlanResults results;
  Choice choice;
  Outlooks outlooks;
  bool complete = false;
};

/// Until it is found, or the user has had enough.
Answer watched_search(const Plan& plan, RunStore& store, PlanOptions options, std::size_t draws,
                      bool quiet) {
  const InterruptWatch watch;
  PlanLine line(!quiet);
  options.proceed = [&](const PlanProgress& progress) {
    line.show(progress);
    return !InterruptWatch::interrupted();
  };
  Answer answer;
  answer.results = search(plan, plan.load_after(plan.spec.demand.horizon), store, options);
  if (!answer.results.complete()) return answer;
  answer.choice = choose(plan, answer.results, draws);
  answer.outlooks = look_ahead(plan, answer.choice, store, options);
  answer.complete = answer.outlooks.complete;
  return answer;
}

/// A queue needs time to grow: what a run that is over too soon would buy does not last. Throws
/// ConfigError.
void check_length(const Plan& plan, const Answer& answer) {
  if (answer.choice.offers.empty()) return;
  const Offer& best = answer.choice.offers.front();
  const Performance& run = *answer.results.evaluations[best.candidate]->performance;
  if (!is_short(run)) return;
  throw config::ConfigError(
      fmt::format("{}.yaml: error: under this load the requests are over too soon to tell whether "
                  "{} lasts: those inside "
                  "were replaced {:.2g} times while others came; raise their number, as with --set "
                  "'set={{workload.max_requests: 20000}}'",
                  plan.name, plan.candidates[best.candidate].name, run.turnovers));
}

/// What is in the way, if nothing meets the demand.
ExitCode told(const PlanReport& report) {
  if (!report.choice.offers.empty()) return ExitCode::ok;
  const std::size_t nearest = nearest_miss(report.results);
  const Evaluation& e = *report.results.evaluations[nearest];
  note(
      fmt::format("terrace: error: nothing that can be bought meets the demand; nearest to it "
                  "comes {}, but for {}: {}",
                  report.plan.candidates[nearest].name, name_of(e.obstacle), e.why));
  return ExitCode::infeasible;
}

std::size_t draws_of(const Arguments& arguments) {
  return static_cast<std::size_t>(arguments.count("draws", kDraws, kMostDraws));
}

ExitCode run_in(const fs::path& directory, const Plan& plan, const Arguments& arguments) {
  const bool quiet = arguments.has("quiet");
  StudyFolder folder(arguments, directory, "plan", plan.text, {"candidates.csv", "offers.csv"});
  PlanOptions options;
  options.jobs = jobs_of(arguments);
  options.version = folder.version();
  const Answer answer = watched_search(plan, folder.store(), options, draws_of(arguments), quiet);
  if (!answer.complete) {
    note(
        fmt::format("terrace: stopped by a signal: {} of {} candidates are done, and every run is "
                    "kept; the same command goes on with them",
                    answer.results.progress.done, answer.results.progress.candidates));
    return ExitCode::interrupted;
  }
  check_length(plan, answer);
  const PlanReport report{plan, answer.results, answer.choice, answer.outlooks,
                          arguments.has("all")};
  write_plan_csv(report, directory);
  if (arguments.has("json")) {
    print(plan_json(report));
  } else if (!quiet) {
    print(plan_text(report));
  }
  return told(report);
}

ExitCode run(const Arguments& arguments) {
  arguments.check_exclusive(kExclusive);
  PlanOverrides overrides;
  check_each_counts(arguments);
  overrides.sets = arguments.all("set");
  overrides.most_candidates = static_cast<std::size_t>(arguments.count(
      "max-candidates", static_cast<std::int64_t>(overrides.most_candidates), 1'000'000));
  // Wrong ones are told before anything is read.
  static_cast<void>(jobs_of(arguments));
  static_cast<void>(draws_of(arguments));
  const config::Catalogue catalogue = open_catalogue(arguments);
  const Plan plan =
      load_plan(find_file(kPlanFile, *arguments.positional(0), catalogue), catalogue, overrides);
  const fs::path directory = arguments.value("out").value_or("results/" + plan.name);
  for (const std::string& warning : plan.warnings) {
    if (!arguments.has("quiet")) note("terrace: warning: " + warning);
  }
  if (arguments.has("dry-run")) {
    print(dry_plan_text(plan, directory));
    return ExitCode::ok;
  }
  return run_in(directory, plan, arguments);
}

constexpr std::array kPositionals = {
    Positional{"PLAN.yaml", "a file, or a name of 'terrace list plans'", true, Words::file}};

constexpr std::array kOptions = {
    kOutOption,
    kJobsOption,
    Option{"dry-run", "", "say what would be searched, and check all of it"},
    Option{"set", "KEY=VALUE", "lay a value over the plan's, as in demand.load=2", Words::free,
           true},
    Option{"draws", "N", "draws of all prices within their ranges; 1000 if left out"},
    Option{"all", "", "print every offer, and what is in the way of every other candidate"},
    kResumeOption,
    kFreshOption,
    Option{"max-candidates", "N", "refuse a plan of more; 10000 if left out"},
    Option{"json", "", "print everything as JSON, and nothing else"},
    Option{"quiet", "", "print nothing but errors"},
    kCatalogOption};

}  // namespace

constinit const Verb kPlan = {
    .name = "plan",
    .summary = "find the cheapest machines that serve a load within its SLOs",
    .positionals = kPositionals,
    .options = kOptions,
    .notes =
        "A plan file:\n"
        "  scenario: chat-agents             model, engine, tiers, requests: a file beside it, or\n"
        "                                    'terrace list workloads'\n"
        "  set: {workload.max_requests: 2000}               over that scenario\n"
        "  demand:\n"
        "    load: 3                         times what the scenario sends, at the peak of the "
        "day\n"
        "    growth: 0.3                     more of it each year,\n"
        "    horizon: 2 years                for so long\n"
        "    slo: [ttft_p99=2s, tpot_p99=50ms]   its clients' own if left out\n"
        "  machines:                         every combination of the lists is a candidate\n"
        "    - gpu: h100-sxm                 'terrace list gpus', hosts, ssds\n"
        "      host: dual-xeon-ddr5-2tib\n"
        "      gpus: 8\n"
        "      tensor_parallel: [1, 2]\n"
        "      dram: [512 GiB, 2 TiB]\n"
        "      drives: [{ssd: kioxia-cd9p-r, counts: [0, 4]}]\n"
        "      chassis: {low: 60000 USD, typical: 80000 USD, high: 110000 USD, as_of: 2026-06}\n"
        "  limits: {budget: 2000000 USD, power: 60 kW, rack_units: 84, spare_nodes: 1}\n"
        "'terrace schema plan' has every key, 'terrace list plans' those shipped.\n\n"
        "For each candidate, the least number of nodes is found by simulation that serves the "
        "load\n"
        "at the horizon within every SLO and without a growing queue. What cannot do so on an "
        "idle\n"
        "machine, or not within the limits at typical prices, is left out beforehand.\n\n"
        "Cost is per hour: prices written off over the lives under 'economics', upkeep, "
        "electricity,\n"
        "and drives worn out before their time. Prices are ranges; 'wins' says in how many draws\n"
        "from them an offer costs least.\n\n"
        "DIR holds plan.sqlite (every run), candidates.csv, offers.csv and a copy of the plan. A\n"
        "search that was stopped or killed goes on where it was; other prices or limits need no "
        "new\n"
        "runs. Results of another build of terrace are not used.\n\n"
        "Exit status 4: nothing meets the demand. What is in the way is told of the candidate "
        "that\n"
        "exceeds its obstacle by the smallest factor.\n",
    .run = run};

}  // namespace terrace::app
