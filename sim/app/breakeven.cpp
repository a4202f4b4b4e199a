#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/app/arguments.hpp"
#include "sim/app/breakeven_report.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/number_axis.hpp"
#include "sim/app/output.hpp"
#include "sim/app/scenario_options.hpp"
#include "sim/kv/capacity.hpp"
#include "sim/report/human.hpp"
#include "sim/report/output_file.hpp"
#include "sim/serving/hbm_budget.hpp"

namespace terrace::app {
namespace {

constexpr std::string_view kUsualHost = "dual-ddr5-5600-8ch";
constexpr std::int64_t kShortest = 1024;  // of the prefixes that are looked at, if none are said
constexpr std::int64_t kLongest = 131072;

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kExclusive{
    {{"json", "explain"}, {"rent", "gpu-price"}, {"rent", "life"}, {"gpu-price", "life"}}};

/// Options that are values of a scenario.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kScenarioKeys{
    {{"model", "model"},
     {"hw", "hardware.gpu"},
     {"host", "hardware.host"},
     {"ssd", "hardware.ssd"},
     {"drives", "hardware.drives_per_host"},
     {"network", "hardware.network"},
     {"sharing", "serving.replicas"},
     {"block-size", "serving.engine.block_size"},
     {"kv-layout", "serving.engine.kv_layout"}}};

Medium parse_medium(const std::string& text) {
  return text == "net" ? Medium::network : parse_name<Medium>("tiers", text);
}

std::vector<Medium> tiers_of(const Arguments& arguments) {
  std::vector<Medium> tiers;
  const auto text = arguments.value("tiers");
  if (!text) {
    tiers.push_back(Medium::dram);
    if (arguments.has("ssd")) tiers.push_back(Medium::nvme);
    if (arguments.has("network")) tiers.push_back(Medium::network);
    return tiers;
  }
  for (std::size_t at = 0; at <= text->size();) {
    const std::size_t end = std::min(text->find(',', at), text->size());
    const Medium tier = parse_medium(text->substr(at, end - at));
    if (std::find(tiers.begin(), tiers.end(), tier) != tiers.end()) {
      throw UsageError(fmt::format("--tiers {}: '{}' is there twice", *text, medium_name(tier)));
    }
    tiers.push_back(tier);
    at = end + 1;
  }
  return tiers;
}

/// A tier has its hardware, and hardware has its tier.
void check_hardware(const Arguments& arguments, const std::vector<Medium>& tiers) {
  const auto asked = [&](Medium tier) {
    return std::find(tiers.begin(), tiers.end(), tier) != tiers.end();
  };
  for (const auto& [tier, option, list] : {std::tuple(Medium::nvme, "ssd", "ssds"),
                                           std::tuple(Medium::network, "network", "networks")}) {
    if (asked(tier) && !arguments.has(option)) {
      throw UsageError(fmt::format("--tiers {}: which one? name it with --{}, of 'terrace list {}'",
                                   medium_name(tier), option, list));
    }
    if (!asked(tier) && arguments.has(option)) {
      throw UsageError(
          fmt::format("--{} has no effect: '{}' is not among --tiers", option, medium_name(tier)));
    }
  }
  if (arguments.has("drives") && !arguments.has("ssd")) {
    throw UsageError("--drives has no effect without --ssd");
  }
}

config::Node word(config::Diagnostics& diagnostics, std::string_view option, std::string text) {
  config::Node node;
  node.kind = config::Node::Kind::scalar;
  node.place = {&diagnostics.add_source(fmt::format("--{} {}", option, text), ""), 1, 1, 1};
  node.text = std::move(text);
  return node;
}

/// What the options say, as a scenario without requests worth speaking of.
Scenario machine_of(const Arguments& arguments, const config::Catalogue& catalogue) {
  config::Diagnostics diagnostics;
  config::Node root = config::parse_yaml("breakeven", R"(
workload:
  max_requests: 1
  clients:
    - name: one
      arrivals: {process: poisson, rate: 1 /s}
      prompt: {distribution: constant, value: 1}
      output: {distribution: constant, value: 1}
)",
                                         diagnostics);
  const auto lay = [&](std::string_view option, std::string_view key, const std::string& text) {
    config::Node value = word(diagnostics, option, text);
    const config::Place place = value.place;
    config::apply_override(root, key, std::move(value), place, diagnostics);
  };
  // First, so that what is wrong with sharding is said of it.
  lay("tp", "serving.tensor_parallel", arguments.value("tp").value_or("1"));
  lay("model", "serving.engine.enable_prefix_caching", "false");  // else encoders are refused
  if (!arguments.has("host")) lay("host", "hardware.host", std::string(kUsualHost));
  for (const auto& [option, key] : kScenarioKeys) {
    if (const auto text = arguments.value(option)) lay(option, key, *text);
  }
  if (const auto type = arguments.value("kv-dtype")) {
    static_cast<void>(parse_name<DType>("kv-dtype", *type));
    lay("kv-dtype", "serving.engine.kv_cache_dtype", *type);
  }
  for (const std::string& set : arguments.all(kSetOption.name)) {
    const auto about = [&](std::string_view section) { return set.starts_with(section); };
    if (!about("model") && !about("hardware") && !about("serving")) {
      throw UsageError(fmt::format(
          "--set {} has no effect here; keys of model, hardware and serving have", set));
    }
    config::apply_override(root, set, diagnostics);
  }
  diagnostics.raise();
  Scenario machine = read_scenario("breakeven", root, catalogue, diagnostics).scenario;
  diagnostics.raise();
  return machine;
}

/// Tokens whose KV fits beside the weights. Throws Infeasible.
Tokens hbm_tokens(const Scenario& machine) {
  if (machine.model.encoder) {
    throw Infeasible(fmt::format(
        "prompts of {} go through an encoder: they have no prefix to reuse", machine.model.name));
  }
  const std::int64_t blocks = hbm_blocks(hbm_budget(
      machine.model, machine.serving.engine, parallel(machine), machine.hardware.gpu.memory));
  return machine.serving.engine.block_size * (blocks - 1);
}

/// As many of the usual lengths as the model can take, or those that are asked for.
std::vector<Tokens> prefixes_of(const Arguments& arguments, const Scenario& machine, Tokens fresh) {
  const std::int64_t block = machine.serving.engine.block_size.count();
  const std::int64_t most = (machine.model.max_context - fresh).count();
  if (most < block) {
    throw UsageError(
        fmt::format("{} takes {} tokens: no room for a block of {} before {} fresh ones",
                    machine.model.name, machine.model.max_context.count(), block, fresh.count()));
  }
  std::vector<std::int64_t> numbers;
  if (const auto text = arguments.value("context")) {
    numbers = number_axis("context", *text, block, machine.model.max_context.count());
    if (numbers.back() > most) {
      throw UsageError(fmt::format(
          "--context {}: {} takes {} tokens, {} fresh ones among them; a prefix has {} at most",
          *text, machine.model.name, human::count(machine.model.max_context.count()),
          human::count(fresh.count()), human::count(most)));
    }
  } else {
    for (std::int64_t n = kShortest; n <= kLongest; n *= 2) numbers.push_back(n);
    std::erase_if(numbers, [&](std::int64_t n) { return n < block || n > most; });
    if (most < kLongest) numbers.push_back(most);
  }
  std::vector<Tokens> all;
  for (const std::int64_t n : numbers) all.emplace_back(n);
  return all;
}

std::optional<GpuPrice> gpu_price(const Arguments& arguments, const GpuSpec& gpu,
                                  const EconomicsSpec& economics) {
  if (const auto text = arguments.value("gpu-price")) {
    const auto price = parse_value<DollarsPerHour>("gpu-price", *text);
    if (price <= DollarsPerHour{}) throw UsageError("--gpu-price must be above zero");
    return GpuPrice{{price, price, price}, "as --gpu-price says", ""};
  }
  if (!arguments.has("rent")) return owned(gpu, economics);
  const auto price = rented(gpu);
  if (!price) {
    throw UsageError(
        fmt::format("--rent: the profile of {} has no price of a cloud; say one with "
                    "--gpu-price '3 USD/h'",
                    gpu.name));
  }
  return price;
}

EconomicsSpec economics_of(const Arguments& arguments) {
  EconomicsSpec economics;
  if (const auto text = arguments.value("life")) {
    economics.gpu_life = parse_value<Years>("life", *text);
    if (economics.gpu_life <= Years{}) throw UsageError("--life must be above zero");
  }
  return economics;
}

BreakEvenReport answer(const Arguments& arguments) {
  for (const char* needed : {"model", "hw"}) {
    if (arguments.has(needed)) continue;
    throw UsageError(
        fmt::format("--{} is needed, as in 'terrace breakeven --model llama-3.1-8b "
                    "--hw h100-sxm'",
                    needed));
  }
  BreakEvenReport report;
  report.question.tiers = tiers_of(arguments);
  check_hardware(arguments, report.question.tiers);
  report.machine = machine_of(arguments, open_catalogue(arguments));
  report.hbm = hbm_tokens(report.machine);
  report.question.fresh = Tokens{arguments.count("fresh", report.question.fresh.count(),
                                                 report.machine.model.max_context.count())};
  report.question.prefixes = prefixes_of(arguments, report.machine, report.question.fresh);
  report.economics = economics_of(arguments);
  report.gpu = gpu_price(arguments, report.machine.hardware.gpu, report.economics);
  if (const auto text = arguments.value("reuses")) {
    report.reuses = parse_value<double>("reuses", *text);
    if (!(report.reuses > 0)) throw UsageError("--reuses must be above zero");
  }
  report.host_chosen = arguments.has("host");
  for (const Medium tier : report.question.tiers) {
    report.keeping.push_back(keeping(report.machine, tier, report.economics));
  }
  report.answer = break_even(report.machine, report.question);
  return report;
}

ExitCode run(const Arguments& arguments) {
  arguments.check_exclusive(kExclusive);
  const BreakEvenReport report = answer(arguments);
  if (const auto file = arguments.value("csv")) write_breakeven_csv(report, *file);
  if (const auto file = arguments.value("plot")) replace_file(*file, breakeven_plot(report));
  if (arguments.has("json")) {
    print(breakeven_json(report));
    return ExitCode::ok;
  }
  print(breakeven_text(report));
  if (arguments.has("explain")) print(breakeven_formulas(report));
  return ExitCode::ok;
}

constexpr std::array kOptions = {
    Option{"model", "NAME", "of 'terrace list models', or a file"},
    Option{"hw", "NAME", "the GPU, of 'terrace list gpus'"},
    Option{"tp", "N", "GPUs that share every layer; 1 if left out"},
    Option{"tiers", "LIST", "of dram, nvme, network; all that have hardware if left out"},
    Option{"host", "NAME", "of 'terrace list hosts'; dual-ddr5-5600-8ch if left out"},
    Option{"ssd", "NAME", "of 'terrace list ssds', for nvme"},
    Option{"drives", "N", "drives of a host, striped; 1 if left out"},
    Option{"network", "NAME", "of 'terrace list networks', for network"},
    Option{"context", "LIST",
           "lengths of prefixes: 8k,32k or 1k:128k:x2 (about the default) or 1k:8k:+1k"},
    Option{"fresh", "N", "prompt tokens behind the prefix, computed either way; 256 if left out"},
    Option{"sharing", "N", "replicas on one host that load the same at once; 1 if left out"},
    Option{"kv-dtype", "TYPE", "element of the KV cache: bf16 (default), fp16, fp8, int8, int4"},
    Option{"block-size", "N", "tokens of a KV block; 16 if left out"},
    Option{"kv-layout", "NAME",
           "block: one piece of memory (default); layer: K and V of each layer"},
    Option{"gpu-price", "PRICE", "of a GPU for an hour, such as '3 USD/h'; else by its profile"},
    Option{"rent", "", "price the GPU as its profile says of clouds, not as if it were owned"},
    Option{"life", "YEARS", "over which an owned GPU is written off; '4 years' if left out"},
    Option{"reuses", "X", "how often a kept prefix will be used; 1 if left out"},
    Option{"explain", "", "the formulas, too, with the numbers of the longest prefix"},
    Option{"csv", "FILE", "write a row for each prefix and tier there", Words::file},
    Option{"plot", "FILE", "draw time against length there, as SVG", Words::file},
    Option{"json", "", "print the answer as JSON, and nothing else"},
    kSetOption,
    kCatalogOption};

}  // namespace

constinit const Verb kBreakEven = {
    .name = "breakeven",
    .summary = "from which length on loading a prefix's KV beats computing it again",
    .positionals = {},
    .options = kOptions,
    .notes =
        "Times are those that runs use: the cost model's steps in chunks, the routes of the "
        "fabric\n"
        "through host DRAM, its law for small copies, the drives' for their queue; nothing else\n"
        "moves. Money: what a GPU's time is worth against the wear of a write and the room in\n"
        "memory; each price has a range and a date, 'terrace hw show NAME' says from where.\n\n"
        "  terrace breakeven --model llama-3.1-8b --hw h100-sxm\n"
        "  terrace breakeven --model llama-3.1-70b --hw h200-sxm --tp 4 --ssd solidigm-d7-ps1010 "
        "\\\n"
        "    --drives 4 --explain\n"
        "  terrace breakeven --model llama-3.1-8b --hw l40s --ssd samsung-pm9a3 --sharing 8\n"
        "  terrace breakeven --model llama-3.1-8b --hw l40s --set serving.cost.backend=roofline\n",
    .run = run};

}  // namespace terrace::app
