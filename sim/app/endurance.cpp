#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/app/arguments.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/drive_offers.hpp"
#include "sim/app/endurance_report.hpp"
#include "sim/app/endurance_run.hpp"
#include "sim/app/model_options.hpp"
#include "sim/app/output.hpp"
#include "sim/app/study_options.hpp"
#include "sim/config/reader.hpp"
#include "sim/report/human.hpp"
#include "sim/scenario/locate.hpp"
#include "sim/study/money/economics.hpp"

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
  const DType type = name ? parse_name<DType>("kv-dtype", *name) : DType::bf16;
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

EnduranceQuestion question_of(const Arguments& arguments) {
  EnduranceQuestion question;
  question.horizon = positive<Years>(arguments, "horizon", question.horizon, kLongestHorizon);
  question.drive_life = EconomicsSpec{}.drive_life;
  question.load.sequential = !arguments.has("random");
  if (const auto text = arguments.value("waf")) {
    question.load.amplification = parse_value<double>("waf", *text);
    if (!(question.load.amplification >= 1 && question.load.amplification <= kMostAmplification)) {
      throw UsageError("--waf must be between 1 and 100");
    }
  }
  return question;
}

/// Of which drive, and in which capacity, the first row is.
const DriveOffer& first_of(const EnduranceReport& report, const std::vector<DriveOffer>& offers) {
  const DriveFate& fate = report.fates.front();
  return *std::find_if(offers.begin(), offers.end(), [&](const DriveOffer& offer) {
    return offer.profile == fate.profile && offer.ssd.capacity == fate.capacity;
  });
}

void show(const Arguments& arguments, const EnduranceReport& report,
          const std::vector<DriveOffer>& offers) {
  if (const auto file = arguments.value("csv")) write_endurance_csv(report, *file);
  if (arguments.has("json")) {
    print(endurance_json(report));
    return;
  }
  print(endurance_text(report));
  if (arguments.has("explain")) print(endurance_formulas(report, first_of(report, offers)));
}

/// Does what --what-if asks, if it does. Whether it was let to.
bool compare_rules(const Arguments& arguments, const RunWrites& run,
                   const config::Catalogue& catalogue, EnduranceReport& report) {
  const auto text = arguments.value("what-if");
  if (!text) return true;
  return ask_what_if(rules_of(*text), jobs_of(arguments), run, catalogue, report);
}

ExitCode run(const Arguments& arguments) {
  check_sources(arguments);
  const config::Catalogue catalogue = open_catalogue(arguments);
  EnduranceReport report;
  EnduranceQuestion& question = report.question = question_of(arguments);
  report.every_capacity = arguments.has("ssd");
  std::vector<DriveOffer> offers = drive_offers(catalogue, arguments.all("ssd"));
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
    if (!compare_rules(arguments, *of_run, catalogue, report)) {
      note("terrace: stopped by a signal; there is nothing to compare yet");
      return ExitCode::interrupted;
    }
    tell_lives(*of_run, report);
  }
  report.fates = fates_of(offers, question);
  show(arguments, report, offers);
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
