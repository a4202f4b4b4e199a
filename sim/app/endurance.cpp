#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/app/arguments.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/drive_offers.hpp"
#include "sim/app/endurance_report.hpp"
#include "sim/app/interrupt.hpp"
#include "sim/app/model_options.hpp"
#include "sim/app/output.hpp"
#include "sim/base/text.hpp"
#include "sim/config/reader.hpp"
#include "sim/metrics/metric.hpp"
#include "sim/report/human.hpp"
#include "sim/report/run_reader.hpp"
#include "sim/scenario/locate.hpp"
#include "sim/study/endurance/write_rules.hpp"
#include "sim/study/money/economics.hpp"
#include "sim/study/sweep/axes.hpp"

namespace terrace::app {
namespace {

constexpr std::array<std::string_view, 3> kSources = {"run", "writes", "tokens-per-second"};
constexpr std::int64_t kMostDrives = 1'000'000;
constexpr double kMostAmplification = 100;
constexpr double kMostTokens = 1e12;
constexpr Bandwidth kMostWrites{1e15};
constexpr Years kLongestHorizon{100};

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kExclusive{
    {{"run", "writes"},
     {"run", "tokens-per-second"},
     {"writes", "tokens-per-second"},
     {"json", "explain"}}};

/// Exactly one source of writes, and no option that has no effect on it.
void check_sources(const Arguments& arguments) {
  arguments.check_exclusive(kExclusive);
  if (std::none_of(kSources.begin(), kSources.end(),
                   [&](std::string_view source) { return arguments.has(source); })) {
    throw UsageError(
        "what is written? say --run DIR, --writes '2.6 GB/s', or --tokens-per-second 8000 with "
        "--model");
  }
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kNeeds{
      {{"model", "tokens-per-second"},
       {"tokens-per-second", "model"},
       {"kv-dtype", "model"},
       {"tp", "model"},
       {"what-if", "run"}}};
  for (const auto& [option, needed] : kNeeds) {
    if (!arguments.has(option) || arguments.has(needed)) continue;
    throw UsageError(fmt::format("--{} needs --{}", option, needed));
  }
  if (arguments.has("jobs") && !arguments.has("what-if")) {
    throw UsageError("--jobs has no effect without --what-if");
  }
}

/// A value above zero, and of a size that means something.
template <class T>
T positive(const Arguments& arguments, std::string_view option, T otherwise, T most) {
  const auto text = arguments.value(option);
  if (!text) return otherwise;
  const T value = parse_value<T>(option, *text);
  if (value > T{} && value <= most) return value;
  throw UsageError(fmt::format("--{} {}: it must be above zero, and at most {}", option, *text,
                               config::Scalar<T>::format(most)));
}

/// Every token is written once.
Bandwidth writes_of_tokens(const Arguments& arguments, const config::Catalogue& catalogue,
                           EnduranceReport& report) {
  const auto model =
      config::read_file<ModelSpec>(find_file(kModelFile, *arguments.value("model"), catalogue));
  const auto rate = positive<double>(arguments, "tokens-per-second", 0, kMostTokens);
  const auto name = arguments.value("kv-dtype");
  const DType type = name ? kv_dtype(*name) : DType::bf16;
  const std::int64_t gpus = arguments.count("tp", 1, kMostGpus);
  check_tensor_parallel(model, gpus);
  const Bytes token =
      kv_bytes_per_token_per_gpu(model, type, {.tensor = static_cast<int>(gpus)}) * gpus;
  report.about.push_back(
      fmt::format("{:g} new tokens a second of {}, {} of KV each in {}{}, every one written once",
                  rate, model.name, human::bytes(token), config::Scalar<DType>::format(type),
                  gpus > 1 ? fmt::format(" on {} GPUs, replicas included", gpus) : ""));
  return Bandwidth{rate * static_cast<double>(token.count())};
}

/// What a run has written to its drives.
struct RunWrites {
  Scenario scenario;
  std::int64_t hosts = 1;
  Bytes held;  // that each host's drives have to hold
};

/// How the tiers on NVMe are written, in the words of a scenario.
void tell_rules(const Scenario& scenario, WrittenRun& run) {
  std::vector<std::string> writes;
  std::vector<std::string> admissions;
  for (const TierSpec& tier : scenario.tiers) {
    if (tier.medium != Medium::nvme || !tier.enabled()) continue;
    writes.push_back(config::Scalar<WriteRule>::format(tier.write));
    admissions.push_back(tier.admission.name());
  }
  run.write = fmt::format("{}", fmt::join(writes, ", "));
  run.admission = fmt::format("{}", fmt::join(admissions, ", "));
}

WrittenRun written_by(const FinishedRun& run, const Scenario& scenario) {
  WrittenRun written;
  written.name = "as it ran";
  tell_rules(scenario, written);
  Tokens hits;
  const std::vector<FinishedRun::Level> levels = run.levels();
  for (const FinishedRun::Level& level : levels) {
    hits += level.hits;
    if (level.medium == "nvme") written.written += level.written;
  }
  if (!levels.empty() && levels.front().lookups > Tokens{}) {
    written.hit_ratio = hits / levels.front().lookups;
  }
  written.mean_ttft_ms = run.mean_ttft();
  written.rate = Bandwidth{static_cast<double>(written.written.count()) / run.duration()};
  return written;
}

RunWrites read_run(const std::string& path, const config::Catalogue& catalogue,
                   EnduranceReport& report) {
  const FinishedRun run(path);
  RunWrites writes;
  writes.scenario = load_scenario(run.resolved_scenario().string(), catalogue).scenario;
  const Scenario& s = writes.scenario;
  const bool flash = std::any_of(s.tiers.begin(), s.tiers.end(), [](const TierSpec& tier) {
    return tier.medium == Medium::nvme && tier.enabled();
  });
  if (!flash) {
    throw config::ConfigError(fmt::format(
        "{}: error: this run has no tier on NVMe, so it wears out no drive; 'terrace run "
        "offload-nvme --out DIR' has one\n",
        path));
  }
  const std::int64_t per_host = s.serving.replicas_per_host.value_or(s.serving.replicas);
  writes.hosts = s.serving.replicas / per_host;
  for (const TierSpec& tier : s.tiers) {
    if (tier.medium != Medium::nvme || tier.capacity.unlimited()) continue;
    writes.held += tier.capacity.bytes * (tier.scope == Scope::private_to_each ? per_host : 1);
  }
  report.complete = run.complete();
  report.written.push_back(written_by(run, s));
  if (report.written.front().written == Bytes{}) {
    throw config::ConfigError(
        fmt::format("{}: error: this run has written nothing to its drives, so they last\n", path));
  }
  report.about.push_back(fmt::format(
      "{}: {} written to {} x {} {} in {}, as if it went on for years", run.scenario(),
      human::bytes(report.written.front().written), s.hardware.drives_per_host * writes.hosts,
      s.hardware.ssd->name, config::Scalar<Bytes>::format(s.hardware.ssd->capacity),
      human::time(run.duration())));
  return writes;
}

/// The rules that --what-if names.
std::vector<std::string> rules_of(const std::string& text) {
  const std::vector<std::string_view> known = write_rule_names();
  std::vector<std::string> rules = split_assignments(text);
  for (auto at = rules.begin(); at != rules.end(); ++at) {
    const std::string& rule = *at;
    if (std::find(rules.begin(), at, rule) != at) {
      throw UsageError(fmt::format("--what-if: '{}' is there twice", rule));
    }
    if (std::find(known.begin(), known.end(), rule) != known.end()) continue;
    const auto near = closest(rule, known);
    throw UsageError(
        near ? fmt::format("--what-if: there is no rule '{}'; did you mean '{}'?", rule, *near)
             : fmt::format("--what-if: there is no rule '{}'; there are {}", rule,
                           fmt::join(known, ", ")));
  }
  return rules;
}

/// Simulates the run again with other rules. Whether it was let to.
bool ask_what_if(const Arguments& arguments, const RunWrites& run, EnduranceReport& report) {
  const std::vector<std::string> rules = rules_of(*arguments.value("what-if"));
  const auto cores = std::max<std::int64_t>(1, std::thread::hardware_concurrency());
  const auto jobs = static_cast<std::size_t>(arguments.count("jobs", cores, 4096));
  std::vector<Scenario> scenarios;
  for (const std::string& rule : rules) scenarios.push_back(with_write_rule(run.scenario, rule));
  const InterruptWatch watch;
  const auto summaries = run_all(scenarios, jobs, [] { return !InterruptWatch::interrupted(); });
  if (!summaries) return false;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Summary& summary = (*summaries)[i];
    WrittenRun written;
    written.name = rules[i];
    tell_rules(scenarios[i], written);
    written.hit_ratio = prefix_hit_ratio(summary);
    written.mean_ttft_ms = mean_ms(summary.all.latencies.ttft);
    written.written = written_to_drives(summary);
    if (summary.duration > Duration{}) {
      written.rate =
          Bandwidth{static_cast<double>(written.written.count()) / seconds(summary.duration)};
    }
    report.written.push_back(std::move(written));
  }
  return true;
}

/// The life of the run's own drives under each way to write.
void tell_lives(const RunWrites& run, EnduranceReport& report) {
  for (WrittenRun& written : report.written) {
    WearLoad load = report.question.load;
    load.writes = written.rate;
    load.drives = run.scenario.hardware.drives_per_host * run.hosts;
    written.life = life_of(*run.scenario.hardware.ssd, load);
  }
}

/// Takes out the offers that cannot hold what a host's drives have to hold.
void drop_too_small(std::vector<DriveOffer>& offers, const RunWrites& run,
                    EnduranceReport& report) {
  const std::int64_t per_host = report.question.load.drives / run.hosts;
  report.too_small = std::erase_if(offers, [&](const DriveOffer& offer) {
    return static_cast<double>(offer.ssd.capacity.count()) * static_cast<double>(per_host) <
           static_cast<double>(run.held.count());
  });
  if (offers.empty()) {
    throw UsageError(
        fmt::format("--drives: no such drive is large enough for the {} of the run's "
                    "tiers; raise it",
                    human::bytes(run.held)));
  }
}

ExitCode run(const Arguments& arguments) {
  check_sources(arguments);
  const config::Catalogue catalogue = open_catalogue(arguments);
  EnduranceReport report;
  EnduranceQuestion& question = report.question;
  question.horizon = positive<Years>(arguments, "horizon", question.horizon, kLongestHorizon);
  question.drive_life = EconomicsSpec{}.drive_life;
  question.load.sequential = !arguments.has("random");
  if (const auto text = arguments.value("waf")) {
    question.load.amplification = parse_value<double>("waf", *text);
    if (!(question.load.amplification >= 1 && question.load.amplification <= kMostAmplification)) {
      throw UsageError("--waf must be between 1 and 100");
    }
  }
  std::vector<DriveOffer> offers = drive_offers(catalogue, arguments.all("ssd"));
  report.every_capacity = arguments.has("ssd");
  std::int64_t drives = 1;
  std::optional<RunWrites> of_run;
  if (const auto path = arguments.value("run")) {
    of_run = read_run(*path, catalogue, report);
    question.load.writes = report.written.front().rate;
    drives = of_run->scenario.hardware.drives_per_host * of_run->hosts;
  } else if (arguments.has("writes")) {
    question.load.writes = positive<Bandwidth>(arguments, "writes", {}, kMostWrites);
  } else {
    question.load.writes = writes_of_tokens(arguments, catalogue, report);
  }
  question.load.drives = arguments.count("drives", drives, kMostDrives);
  if (of_run) {
    drop_too_small(offers, *of_run, report);
    if (arguments.has("what-if") && !ask_what_if(arguments, *of_run, report)) {
      note("terrace: stopped by a signal; there is nothing to compare yet");
      return ExitCode::interrupted;
    }
    tell_lives(*of_run, report);
  }
  report.fates = fates_of(offers, question);
  if (const auto file = arguments.value("csv")) write_endurance_csv(report, *file);
  if (arguments.has("json")) {
    print(endurance_json(report));
    return ExitCode::ok;
  }
  print(endurance_text(report));
  if (!arguments.has("explain")) return ExitCode::ok;
  const auto first = std::find_if(offers.begin(), offers.end(), [&](const DriveOffer& offer) {
    const DriveFate& fate = report.fates.front();
    return offer.profile == fate.profile && offer.ssd.capacity == fate.capacity;
  });
  print(endurance_formulas(report, *first));
  return ExitCode::ok;
}

constexpr std::array kOptions = {
    Option{"run", "DIR", "the writes of a run, as 'terrace run --out DIR' left it",
           Words::directory},
    Option{"writes", "RATE", "of all drives together, mean over the day, such as '2.6 GB/s'"},
    Option{"tokens-per-second", "N", "new tokens whose KV is written; needs --model"},
    Option{"model", "NAME", "of 'terrace list models', or a file"},
    Option{"kv-dtype", "TYPE", "element of the KV cache: bf16 (default), fp16, fp8, int8, int4"},
    Option{"tp", "N", "GPUs that share every layer; what they replicate is written as often"},
    Option{"drives", "N", "that share the writes; those of the run, else 1, if left out"},
    Option{"ssd", "NAME", "only this drive of 'terrace list ssds'", Words::free, true},
    Option{"what-if", "RULES",
           "simulate the run again with each of these rules for its tiers on NVMe"},
    Option{"jobs", "N", "such runs at a time; as many as there are cores if left out"},
    Option{"waf", "X", "bytes that reach the drives for each that is written; 1 if left out"},
    Option{"random", "", "writes are small and random, not the large segments of KV"},
    Option{"horizon", "YEARS", "for which drives are bought; '5 years' if left out"},
    Option{"explain", "", "the formulas, too, with the numbers of the first drive"},
    Option{"csv", "FILE", "write a row for each drive there", Words::file},
    Option{"json", "", "print the answer as JSON, and nothing else"},
    kCatalogOption};

}  // namespace

constinit const Verb kEndurance = {
    .name = "endurance",
    .summary = "how long drives last under the writes of a KV cache, and what that costs",
    .positionals = {},
    .options = kOptions,
    .notes =
        "Every drive of the catalogue, in every capacity it is sold in, the cheapest over the\n"
        "horizon first. A rating is the maker's, for random writes; KV is written in large\n"
        "segments, of which some makers allow more. --waf is for what multiplies writes before\n"
        "they reach a drive, such as a mirror (2) or a log that is cleaned.\n\n"
        "Rules for --what-if: a write rule (through, selective, back, back_batched) or an\n"
        "admission rule of 'terrace list admission'; each takes the place of the run's own.\n\n"
        "  terrace endurance --writes '2.6 GB/s' --drives 8\n"
        "  terrace endurance --tokens-per-second 8000 --model llama-3.1-70b --drives 8 --explain\n"
        "  terrace run offload-nvme --out results/nvme\n"
        "  terrace endurance --run results/nvme --what-if back,second_touch\n",
    .run = run};

}  // namespace terrace::app
