#include "sim/study/mrc/mrc.hpp"

#include <algorithm>
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
#include "sim/app/mrc_options.hpp"
#include "sim/app/mrc_report.hpp"
#include "sim/app/output.hpp"
#include "sim/app/progress.hpp"
#include "sim/app/scenario_options.hpp"
#include "sim/app/study_options.hpp"
#include "sim/base/text.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/workload/trace.hpp"

namespace terrace::app {
namespace {

constexpr std::uint64_t kExactUpTo = 20'000'000;  // accesses: seconds
constexpr std::int64_t kMostPoints = 10'000;
constexpr std::int64_t kMostBlockTokens = 1'000'000'000;

/// What the options say that does not depend on the stream, checked before any of it is read.
struct Wishes {
  explicit Wishes(const Arguments& arguments)
      : tiers(tier_ranges(arguments.all("tier"))),
        chosen(policy_wishes(arguments.value("policies"))),
        points(arguments.count("points", 24, kMostPoints)),
        jobs(jobs_of(arguments)) {
    const bool lru = std::any_of(chosen.policies.begin(), chosen.policies.end(),
                                 [](const MrcPolicy& p) { return p.choice.name() == "lru"; });
    for (const char* option : {"exact", "shards"}) {
      if (!arguments.has(option) || lru) continue;
      throw UsageError(fmt::format("--{} is about lru, which is not among the --policies", option));
    }
    if (const auto text = arguments.value("shards")) {
      if (arguments.has("exact")) throw UsageError("--exact and --shards exclude each other");
      shards = shards_options(*text);
    }
  }

  std::vector<TierRange> tiers;
  PolicyWishes chosen;
  std::int64_t points;
  std::size_t jobs;
  std::optional<ShardsOptions> shards;
};

/// Which blocks are looked up: by default those of a trace's own hashes, one for each.
StreamOptions stream_options(const Arguments& arguments, const Scenario& scenario) {
  const auto& trace = scenario.workload.trace;
  const bool chosen = arguments.has("block-size");
  StreamOptions options;
  options.block_size = scenario.serving.engine.block_size;
  std::optional<Tokens> hashed;
  const bool may_ask = trace && (!chosen || !trace_file(trace->path).once);
  if (may_ask) hashed = trace_hash_block(trace_file(trace->path), *trace);
  if (hashed) options.block_size = *hashed;
  if (chosen) options.block_size = Tokens{arguments.count("block-size", 1, kMostBlockTokens)};

  options.outputs = arguments.has("outputs");
  options.partial_blocks = hashed == options.block_size && !options.outputs;
  if (const auto rule = arguments.value("partial-blocks")) {
    if (*rule != "count" && *rule != "ignore") {
      throw UsageError(fmt::format("--partial-blocks is 'count' or 'ignore', not '{}'", *rule));
    }
    options.partial_blocks = *rule == "count";
  }
  if (options.partial_blocks && options.outputs) {
    throw UsageError(
        "--outputs and --partial-blocks count exclude each other: an output goes on in the block "
        "that its prompt left partial");
  }
  return options;
}

/// Throws if a scenario's requests wait for an engine.
void check_open_loop(const Scenario& scenario) {
  if (scenario.workload.trace) return;
  for (const ClientSpec& client : scenario.workload.synthetic.clients) {
    if (client.arrivals.process != ArrivalLaw::closed_loop) continue;
    throw config::ConfigError(
        fmt::format("{}: error: the users of client '{}' wait for answers (process: closed_loop), "
                    "and without an engine there are none; give it another process, or use "
                    "'terrace run'\n",
                    scenario.name, client.name));
  }
}

BlockStream read_stream(const Scenario& scenario, const StreamOptions& options) {
  const auto workload = make_workload(scenario);
  StatusLine line(true, false);
  BlockStream stream = collect_stream(*workload, options, [&](std::uint64_t requests) {
    if (line.due()) line.show(fmt::format("reading: {} requests", requests));
    return !InterruptWatch::interrupted();
  });
  if (stream.accesses.empty() && !InterruptWatch::interrupted()) {
    throw config::ConfigError(
        fmt::format("{}: error: no request of {} fills a block of {} tokens; lower --block-size\n",
                    scenario.workload.trace ? scenario.workload.trace->path : scenario.name,
                    stream.requests.size(), options.block_size.count()));
  }
  return stream;
}

/// The model and its KV type, from options or the scenario.
void choose_model(const Arguments& arguments, const config::Catalogue& catalogue,
                  Scenario& scenario) {
  if (const auto name = arguments.value("model")) {
    const auto path = catalogue.find("models", *name);
    if (!path) {
      const std::vector<std::string> all = catalogue.names("models");
      const std::vector<std::string_view> names(all.begin(), all.end());
      const auto near = closest(*name, names);
      throw UsageError(
          near ? fmt::format("--model: there is no model '{}'; did you mean '{}'?", *name, *near)
               : fmt::format("--model: there is no model '{}'; see 'terrace list "
                             "models'",
                             *name));
    }
    scenario.model = config::read_file<ModelSpec>(*path, catalogue);
    scenario.serving.tensor_parallel = 1;
    scenario.serving.pipeline_parallel = 1;
    scenario.serving.data_parallel = 1;
    scenario.serving.expert_parallel = false;
  }
  if (const auto name = arguments.value("kv-dtype")) {
    scenario.serving.engine.kv_cache_dtype = parse_name<DType>("kv-dtype", *name);
  }
}

/// Throws if a sample is too small to say anything, its own error included.
void check_samples(const Mrc& mrc) {
  constexpr std::int64_t kFewest = 100;
  for (const MrcCurve& curve : mrc.curves) {
    if (!mrc.complete || curve.method != MrcMethod::shards) continue;
    if (curve.rate == 1 || curve.sampled >= kFewest) continue;
    throw UsageError(
        fmt::format("--shards: only {} of {} blocks are in the sample, too few to say anything; "
                    "raise the rate, or use --exact",
                    curve.sampled, mrc.totals.unique));
  }
}

ExitCode stopped(std::string_view what) {
  note(fmt::format("terrace: {}", what));
  return ExitCode::interrupted;
}

ExitCode run(const Arguments& arguments) {
  const Wishes wishes(arguments);
  // --model asks for the sizes of its KV on one GPU.
  constexpr std::array kShorthands = {Shorthand{"model", "model"},
                                      Shorthand{"model", "serving.tensor_parallel"},
                                      Shorthand{"model", "serving.pipeline_parallel"},
                                      Shorthand{"model", "serving.data_parallel"},
                                      Shorthand{"model", "serving.expert_parallel"},
                                      Shorthand{"kv-dtype", "serving.engine.kv_cache_dtype"},
                                      Shorthand{"block-size", "serving.engine.block_size"}};
  check_each_counts(arguments, {}, kShorthands);
  const config::Catalogue catalogue = open_catalogue(arguments);
  Scenario scenario = load_chosen(arguments, arguments.positional(0), catalogue).scenario;
  choose_model(arguments, catalogue, scenario);
  check_open_loop(scenario);

  MrcReport report;
  report.source = scenario.workload.trace ? scenario.workload.trace->path : scenario.name;
  report.model = scenario.model.name;
  report.kv_dtype = config::Scalar<DType>::format(scenario.serving.engine.kv_cache_dtype);
  report.stream = stream_options(arguments, scenario);
  report.bytes_per_block = kv_bytes(scenario, report.stream.block_size);
  for (const TierRange& tier : wishes.tiers) {  // mistakes show before a long trace is read
    static_cast<void>(tier.capacities(report.stream.block_size, report.bytes_per_block, 1, 2));
  }

  const InterruptWatch watch;
  const BlockStream stream = read_stream(scenario, report.stream);
  if (InterruptWatch::interrupted()) return stopped("stopped by a signal, before any result");
  std::optional<CsvFile> csv;  // a file that cannot be written shows before the long part
  if (const auto path = arguments.value("csv")) csv.emplace(*path);

  MrcOptions options;
  options.policies = wishes.chosen.policies;
  report.left_out = wishes.chosen.left_out;
  options.seed = static_cast<std::uint64_t>(scenario.seed);
  options.jobs = static_cast<int>(wishes.jobs);
  options.shards = wishes.shards;
  if (!arguments.has("exact") && !options.shards && stream.accesses.size() > kExactUpTo) {
    options.shards = ShardsOptions{};
  }
  if (options.shards) options.shards->seed = options.seed;
  for (const TierRange& tier : wishes.tiers) {
    auto capacities = tier.capacities(report.stream.block_size, report.bytes_per_block,
                                      static_cast<std::int64_t>(stream.contents), wishes.points);
    report.capacities.insert(report.capacities.end(), capacities.begin(), capacities.end());
    report.tiers.push_back({tier.name, tier.text, std::move(capacities)});
  }
  std::sort(report.capacities.begin(), report.capacities.end());
  report.capacities.erase(std::unique(report.capacities.begin(), report.capacities.end()),
                          report.capacities.end());
  options.capacities = report.capacities;
  {
    StatusLine line(true, false);
    options.proceed = [&](double part) {
      if (line.due()) line.show(fmt::format("caches: {:.0f} %", 100 * part));
      return !InterruptWatch::interrupted();
    };
    report.mrc = miss_ratio_curves(stream, options);
  }
  check_samples(report.mrc);
  if (csv) write_mrc_csv(report, *csv);
  print(arguments.has("json") ? mrc_json(report) : mrc_text(report));
  if (report.mrc.complete) return ExitCode::ok;
  return stopped("PARTIAL: stopped by a signal; what was not finished is left out");
}

constexpr std::array kPositionals = {Positional{
    "SCENARIO.yaml", "a file, or a name of 'terrace list workloads'", false, Words::file}};

constexpr std::array kOptions = {
    kTraceOption,
    Option{"tier", "NAME=LO..HI",
           "capacities in bytes, 'N blocks' or 'N tokens', or NAME=auto; may be given again",
           Words::free, true},
    Option{"policies", "LIST", "eviction policies with commas between, or all; by default lru"},
    Option{"points", "N", "capacities per tier, at equal ratios; by default 24"},
    Option{"block-size", "TOKENS", "by default a trace's hash block, else the engine's block"},
    Option{"partial-blocks", "count|ignore", "whether a prompt's last block counts if not full"},
    Option{"outputs", "", "blocks that outputs complete enter the cache, too"},
    Option{"model", "NAME", "whose KV the blocks are; by default the scenario's"},
    Option{"kv-dtype", "TYPE", "of the KV cache; by default the scenario's"},
    Option{"exact", "", "lru: exact, however long it takes"},
    Option{"shards", "RATE|N", "lru: from a sample at this rate, or of so many blocks"},
    Option{"jobs", "N", "threads; as many as there are cores if left out"},
    kSeedOption,
    kHwOption,
    kSetOption,
    Option{"csv", "FILE", "write the curves there", Words::file},
    Option{"json", "", "print the curves as JSON, and nothing else"},
    kCatalogOption};

}  // namespace

constinit const Verb kMrc = {
    .name = "mrc",
    .summary = "hit ratio against capacity, for each eviction policy",
    .positionals = kPositionals,
    .options = kOptions,
    .notes =
        "The blocks of prompts are looked up one by one, in order of arrival, in a cache without\n"
        "time: a miss inserts, nothing is pinned. Only hits before the first miss of a request "
        "are\n"
        "of use to an engine; they are what the tables show. lru is exact up to 20 million reads,\n"
        "sampled (SHARDS) beyond; other policies are replayed at each capacity. The knee is the\n"
        "point farthest above the chord of the curve over the logarithm of capacity (Kneedle).\n"
        "With --trace alone the model is that of 'quickstart'. Conversations get answers at "
        "once.\n\n"
        "A prompt's last block that is not full counts by default where blocks are a trace's\n"
        "hashes, as if its text went on to the block's end: one read for each hash id.\n\n"
        "Each --tier is a cache by itself. Of a stack of tiers under lru, an inclusive one hits\n"
        "what its largest tier hits alone, an exclusive one what the sum of its tiers would.\n\n"
        "  terrace mrc --trace conversation.jsonl --tier dram=0..1TiB\n"
        "  terrace mrc --trace conversation.jsonl --policies lru,fifo --tier nvme=1TiB..16TiB\n"
        "  terrace mrc quickstart --policies 'lru,{policy: lru_k, k: 3}'\n"
        "  terrace mrc quickstart --tier 'cache=1000 blocks..100000 blocks' --json\n",
    .run = run};

}  // namespace terrace::app
