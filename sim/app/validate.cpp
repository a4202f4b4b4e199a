#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "sim/app/arguments.hpp"
#include "sim/app/calibrate_program.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/interrupt.hpp"
#include "sim/app/output.hpp"
#include "sim/app/scenario_options.hpp"
#include "sim/app/validate_report.hpp"
#include "sim/report/output_file.hpp"
#include "sim/scenario/locate.hpp"

namespace terrace::app {
namespace {

constexpr NamedFile kValidationFile{"validation", "reports/validation"};

std::vector<ErrorBound> bounds_of(const Arguments& arguments) {
  std::vector<ErrorBound> bounds;
  for (const std::string& text : arguments.all("fail-on")) {
    const auto bound = parse_bound(text);
    if (!bound.value) throw UsageError("--fail-on: " + bound.why);
    bounds.push_back(*bound.value);
  }
  return bounds;
}

std::vector<JudgedBound> judge(const std::vector<ErrorBound>& bounds, const Comparison& c) {
  const auto errors = named_errors(c);
  std::vector<JudgedBound> judged;
  for (const ErrorBound& bound : bounds) {
    const auto found = std::find_if(errors.begin(), errors.end(),
                                    [&](const auto& error) { return error.first == bound.name; });
    if (found == errors.end()) {
      throw UsageError(
          fmt::format("--fail-on: '{}' cannot be told: it was not measured, or the simulator "
                      "rejects requests",
                      bound.name));
    }
    judged.push_back({bound, found->second, c.rejected == 0 && is_within(found->second, bound)});
  }
  return judged;
}

ExitCode run(const Arguments& arguments) {
  const std::vector<ErrorBound> bounds = bounds_of(arguments);
  const config::Catalogue catalogue = open_catalogue(arguments);
  const Validation validation =
      load_validation(find_file(kValidationFile, *arguments.positional(0), catalogue), catalogue,
                      {chosen_sets(arguments, catalogue), arguments.value("data")});
  const ServingSpec& serving = validation.scenario.serving;
  const auto csv = arguments.value("csv");
  const auto out = arguments.value("out");
  if (csv) check_replaceable(*csv);
  if (out) make_output_directory(*out);
  Replayed replayed;
  {
    const InterruptWatch watch;
    replayed = replay_measured(validation.scenario, validation.measured,
                               [](const Progress&) { return !InterruptWatch::interrupted(); });
  }
  if (!replayed.complete) {
    note("terrace: stopped by a signal; there is nothing to compare yet");
    return ExitCode::interrupted;
  }
  const Comparison comparison = compare(validation.measured, replayed.outcomes,
                                        serving.engine.max_num_seqs * serving.replicas);
  const ValidationReport report{validation, replayed.dimensions, comparison,
                                judge(bounds, comparison)};
  if (csv) write_validation_csv(report, *csv);
  if (out) write_validation(report, *out);
  print(arguments.has("json") ? validation_json(report) : validation_text(report));

  ExitCode code = ExitCode::ok;
  for (const JudgedBound& b : report.bounds) {
    if (b.met) continue;
    note(fmt::format("terrace: {} is off by {:+.2f} %, more than {:g} %{}", b.bound.name,
                     100 * b.error, 100 * b.bound.limit,
                     comparison.rejected > 0 ? ", or requests are rejected" : ""));
    code = ExitCode::bound_missed;
  }
  return code;
}

/// `terrace validate --here` is `terrace calibrate here`, which says what else it takes.
ExitCode forward(const std::vector<std::string>& words) {
  std::vector<std::string> passed = {"here"};
  for (const std::string& word : words) {
    if (word != "--here") passed.push_back(word);
  }
  return become_calibrate(passed);
}

constexpr std::array kPositionals = {
    Positional{"RUN.yaml", "a file that names a scenario and a measured run", true, Words::file}};

constexpr std::array kOptions = {
    Option{"here", "",
           "instead: serve on this machine, and compare; 'terrace validate --here --help' says "
           "more"},
    Option{"data", "DIR", "where measured runs lie; beside RUN.yaml if left out", Words::directory},
    Option{"csv", "FILE", "write every request there: measured, predicted, errors", Words::file},
    Option{"out", "DIR", "write requests.csv, summary.json and plots of TTFT there",
           Words::directory},
    Option{"json", "", "print the summary as JSON, and nothing else"},
    Option{"fail-on", "'ERROR>NUMBER%'", "exit with 5 if this error is larger, either way",
           Words::free, true},
    kHwOption,
    kSetOption,
    kCatalogOption};

}  // namespace

constinit const Verb kValidate = {
    .name = "validate",
    .summary = "replay a measured serving run, and compare the simulator with it",
    .positionals = kPositionals,
    .options = kOptions,
    .notes =
        "A validation file ('terrace schema validation'):\n"
        "  scenario: my-engine.yaml        its workload gives way to the measured requests\n"
        "  set: {serving.replicas: 2}      values laid over it\n"
        "  measured: {path: run.csv}       and format: auto, vllm_bench, llmservingsim or csv\n"
        "  estimated_on: another run       where parameters of the platform come from\n"
        "  notes: ...                      also name, attribution\n\n"
        "vllm_bench is the JSON of 'vllm bench serve --save-result --save-detailed'. A csv has "
        "the\n"
        "columns arrival_s,input_tokens,output_tokens and any of ttft_ms,tpot_ms,e2e_ms, all from\n"
        "the arrival, and shared_prefix_tokens, which are taken to be the first of the latest\n"
        "earlier prompt of that length. Time begins with the first arrival.\n\n"
        "Errors by name: ttft, tpot or e2e with _mean, _p50, _p90, _p99, _mape or _bias; "
        "makespan,\n"
        "requests_per_s, output_tokens_per_s. If the simulator rejects a request, no bound is "
        "met.\n"
        "  terrace validate run.yaml --fail-on 'ttft_mean>5%' --fail-on 'tpot_p99>5%'\n",
    .run = run,
    .forward = forward,
    .forward_if = "here"};

}  // namespace terrace::app
