#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/app/arguments.hpp"
#include "sim/app/breakeven_machine.hpp"
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

constexpr std::int64_t kShortest = 1024;  // of the prefixes that are looked at, if none are said
constexpr std::int64_t kLongest = 131072;

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kExclusive{
    {{"json", "explain"}, {"rent", "gpu-price"}, {"rent", "life"}, {"gpu-price", "life"}}};

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
  const config::Catalogue catalogue = open_catalogue(arguments);
  const auto machine = machine_named(arguments, catalogue);
  report.question.tiers = tiers_of(arguments, machine);
  report.machine = machine_of(arguments, machine, catalogue);
  report.hbm = hbm_tokens(report.machine);
  report.question.fresh = Tokens{arguments.count("fresh", report.question.fresh.count(),
                                                 report.machine.model.max_context.count())};
  report.question.prefixes = prefixes_of(arguments, report.machine, report.question.fresh);
  report.economics = economics_of(arguments);
  report.gpu = gpu_price(arguments, report.machine.hardware.gpu, report.economics);
  if (const auto text = arguments.value("reuses")) {
    report.reuses = parse_value<double>("reuses", *text);
    if (!(report.reuses > 0)) throw UsageError("--reuses must be above zero");
    constexpr double kMost = 1e12;
    if (report.reuses > kMost || report.reuses < 1 / kMost) {
      throw UsageError(fmt::format("--reuses {}: between {} and {}", *text, 1 / kMost, kMost));
    }
  }
  report.host_chosen = machine || arguments.has("host");
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
    Option{"hw", "NAME", "a GPU of 'terrace list gpus', or a machine of 'terrace list machines'"},
    Option{"tp", "N", "GPUs that share every layer; 1 if left out"},
    Option{"tiers", "LIST", "of dram, nvme, network; all that have hardware if left out"},
    Option{"host", "NAME", "of 'terrace list hosts'; dual-ddr5-5600-8ch if left out"},
    Option{"ssd", "NAME", "of 'terrace list ssds', for nvme"},
    Option{"drives", "N", "drives of a host, striped; 1 if left out"},
    Option{"network", "NAME", "of 'terrace list networks', for network"},
    Option{"context", "LIST",
           "lengths of prefixes: 8k,32k, or '1k..128k x2' (about the default), or '1k..8k +1k'"},
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
