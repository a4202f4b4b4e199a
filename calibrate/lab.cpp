#include "calibrate/labs/lab.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "calibrate/verbs.hpp"
#include "kernels/cpu/cpu_set.hpp"
#include "sim/app/arguments.hpp"
#include "sim/app/output.hpp"
#include "sim/config/scalar.hpp"
#include "sim/report/human.hpp"
#include "sim/report/table.hpp"

namespace terrace::calibrate {

/// What users call kinds of attention.
enum class HeadSharing : std::uint8_t { mha, gqa, mqa, mla };

}  // namespace terrace::calibrate

template <>
struct terrace::config::Names<terrace::calibrate::HeadSharing> {
  using enum terrace::calibrate::HeadSharing;
  static constexpr std::string_view kKind = "kind of attention";
  static constexpr std::pair<std::string_view, terrace::calibrate::HeadSharing> kList[] = {
      {"mha", mha}, {"gqa", gqa}, {"mqa", mqa}, {"mla", mla}};
};

template <>
struct terrace::config::Names<terrace::labs::CacheMode> {
  using enum terrace::labs::CacheMode;
  static constexpr std::string_view kKind = "cache";
  static constexpr std::pair<std::string_view, terrace::labs::CacheMode> kList[] = {
      {"off", off}, {"contiguous", contiguous}, {"paged", paged}, {"tiered", tiered}};
};

template <>
struct terrace::config::Names<terrace::labs::Batching> {
  using enum terrace::labs::Batching;
  static constexpr std::string_view kKind = "batching";
  static constexpr std::pair<std::string_view, terrace::labs::Batching> kList[] = {
      {"lists", lists}, {"continuous", continuous}};
};

template <>
struct terrace::config::Names<terrace::kernels::Element> {
  static constexpr std::string_view kKind = "element";
  static constexpr std::pair<std::string_view, terrace::kernels::Element> kList[] = {
      {"bf16", terrace::kernels::Element::bf16}, {"fp32", terrace::kernels::Element::fp32}};
};

namespace terrace::calibrate {
namespace {

using app::Arguments;
using app::ExitCode;
using app::Option;
using app::parse_name;
using app::UsageError;
using app::Words;
using labs::Batching;
using labs::CacheMode;
using labs::LabResult;
using labs::LabRules;

labs::Shape shape_of(const Arguments& arguments) {
  labs::Shape shape;
  shape.layers = arguments.count("layers", 4, 16);
  shape.width = arguments.count("width", 256, 2048);
  if (shape.width % 128 != 0) {
    throw UsageError(fmt::format("--width takes a multiple of 128, not {}", shape.width));
  }
  shape.heads = shape.width / shape.head_dim;
  const auto sharing =
      parse_name<HeadSharing>("attention", arguments.value("attention").value_or("gqa"));
  if (sharing == HeadSharing::mha) shape.kv_heads = shape.heads;
  if (sharing == HeadSharing::gqa) shape.kv_heads = shape.heads / 2;
  if (sharing == HeadSharing::mqa) shape.kv_heads = 1;
  if (sharing == HeadSharing::mla) shape.attention = labs::AttentionKind::latent;
  shape.mlp = 3 * shape.width;
  shape.element =
      parse_name<kernels::Element>("element", arguments.value("element").value_or("bf16"));
  const std::int64_t seed = arguments.number("seed").value_or(1);
  if (seed < 0) throw UsageError(fmt::format("--seed takes a number from 0 on, not {}", seed));
  shape.seed = static_cast<std::uint64_t>(seed);
  return shape;
}

/// Blocks that a memory of that size has.
std::int64_t blocks_of(const Arguments& arguments, std::string_view option,
                       std::string_view otherwise, Bytes block) {
  constexpr Bytes kMost{std::int64_t{64} << 30U};
  const std::string text = arguments.value(option).value_or(std::string(otherwise));
  const auto size = app::parse_value<Bytes>(option, text);
  if (size >= block && size <= kMost) return size.count() / block.count();
  throw UsageError(fmt::format("--{} takes from {}, one block of this model, to {}, not {}", option,
                               human::bytes(block), human::bytes(kMost), text));
}

LabRules rules_of(const Arguments& arguments) {
  LabRules rules;
  rules.shape = shape_of(arguments);
  const Bytes block = rules.shape.block_bytes();
  rules.pool_blocks = blocks_of(arguments, "pool", "4 MiB", block);
  rules.context = arguments.count("context", 512, 65'536);
  rules.most_at_once = arguments.count("batch", 16, 1024);
  rules.step_tokens = arguments.count("step-tokens", 256, 65'536);
  const auto cores = static_cast<std::int64_t>(std::max(std::thread::hardware_concurrency(), 1U));
  rules.threads = static_cast<int>(arguments.count("threads", cores, 1024));
  rules.store.memory_slots = blocks_of(arguments, "memory", "2 MiB", block);
  if (const auto directory = arguments.value("disk")) {
    rules.store.directory = *directory;
    rules.store.file_slots = blocks_of(arguments, "file", "16 MiB", block);
  } else if (arguments.has("file")) {
    throw UsageError("--file says how large a file is: it needs --disk, where it may be");
  }
  return rules;
}

std::vector<std::pair<CacheMode, Batching>> modes_of(const Arguments& arguments) {
  const auto batching =
      parse_name<Batching>("batching", arguments.value("batching").value_or("continuous"));
  if (const auto cache = arguments.value("cache")) {
    return {{parse_name<CacheMode>("cache", *cache), batching}};
  }
  if (arguments.has("batching")) {
    throw UsageError("--batching needs --cache: without it, what matters of both is tried");
  }
  return {{CacheMode::off, Batching::continuous},
          {CacheMode::contiguous, Batching::lists},
          {CacheMode::contiguous, Batching::continuous},
          {CacheMode::paged, Batching::continuous},
          {CacheMode::tiered, Batching::continuous}};
}

std::string introduction(const LabRules& rules, const labs::DialogueRules& dialogues,
                         const kernels::KernelSet& kernels) {
  const labs::Shape& shape = rules.shape;
  return fmt::format(
      "model      {} x width {}, {} parameters; a token's KV takes {}\n"
      "dialogues  {} x {} turns of about {} tokens and {} in answer; at most {} at once\n"
      "machine    {}; a pool of {}\n\n",
      shape.layers, shape.width, human::compact(shape.parameters()),
      human::bytes(Bytes{shape.block_bytes().count() / shape.page}), dialogues.dialogues,
      dialogues.turns, dialogues.says, dialogues.answer, rules.most_at_once, kernels.description(),
      human::bytes(shape.block_bytes() * rules.pool_blocks));
}

void add_row(Table& table, const std::string& name, const LabResult& r) {
  const auto share = [&](Duration part) { return human::percent(seconds(part), seconds(r.total)); };
  table.add({name, human::rate(r.tokens_per_second()), human::count(r.computed),
             human::count(r.recomputed), human::bytes(r.most_reserved),
             human::percent(r.used, r.most_reserved > Bytes{} ? 1 : 0), share(r.steps.gemm),
             share(r.steps.attention), share(r.transfers), share(r.other()),
             fmt::format("{:08x}", r.checksum())});
}

std::string flow_text(std::string_view name, const labs::StoreTier& tier) {
  const auto one_way = [](const labs::BlockFlow& flow) {
    if (flow.blocks == 0) return std::string("none");
    return fmt::format("{} blocks, {}, at {}/s", human::count(flow.blocks),
                       human::bytes(flow.bytes), human::bytes(flow.rate().count()));
  };
  return fmt::format("  {:<7} in {}; out {}\n", name, one_way(tier.in), one_way(tier.out));
}

std::string tiers_text(const LabRules& rules, const LabResult& result) {
  std::string text = "\nwhat moved below the pool:\n" + flow_text("memory", result.memory);
  if (rules.store.file_slots > 0) return text + flow_text("file", result.file);
  return text + "  no file: --disk says where there may be one\n";
}

LabResult answer(const LabRules& rules, const std::vector<labs::Dialogue>& dialogues,
                 kernels::KernelSet& kernels) {
  try {
    return run_lab(rules, dialogues, kernels);
  } catch (const labs::DoesNotFit& e) {
    throw UsageError(e.what());
  }
}

ExitCode run(const Arguments& arguments) {
  LabRules rules = rules_of(arguments);
  labs::DialogueRules wanted;
  wanted.dialogues = arguments.count("dialogues", 16, 10'000);
  wanted.turns = arguments.count("turns", 2, 1000);
  wanted.says = arguments.count("says", 48, 16'384);
  wanted.answer = arguments.count("answer", 24, 16'384);
  wanted.seed = rules.shape.seed;
  const auto modes = modes_of(arguments);
  const auto dialogues = labs::make_dialogues(wanted, rules.shape.vocabulary);
  kernels::CpuSet kernels(rules.threads);
  app::print(introduction(rules, wanted, kernels));

  Table table({"cache", "tokens/s", "computed", "again", "KV", "used", "gemm", "attn", "moves",
               "rest", "answers"});
  std::string tiers;
  for (const auto& [cache, batching] : modes) {
    rules.cache = cache;
    rules.batching = batching;
    const LabResult result = answer(rules, dialogues, kernels);
    const std::string name = config::Scalar<CacheMode>::format(cache);
    add_row(table, batching == Batching::lists ? name + ", lists" : name, result);
    if (cache == CacheMode::tiered) tiers = tiers_text(rules, result);
  }
  app::print(table.text() + tiers);
  return ExitCode::ok;
}

constexpr std::array kOptions = {
    Option{"cache", "MODE", "off, contiguous, paged or tiered; all of them if left out"},
    Option{"batching", "HOW", "lists: a batch starts when the one before is done; or continuous"},
    Option{"attention", "KIND", "mha, gqa, mqa or mla; gqa if left out"},
    Option{"element", "TYPE", "of weights and KV: bf16 or fp32; bf16 if left out"},
    Option{"layers", "N", "4 if left out"},
    Option{"width", "N", "of the model, a multiple of 128; 256 if left out"},
    Option{"dialogues", "N", "16 if left out"},
    Option{"turns", "N", "of a dialogue; 2 if left out"},
    Option{"says", "TOKENS", "of a turn's question, on average; 48 if left out"},
    Option{"answer", "TOKENS", "of its answer, on average; 24 if left out"},
    Option{"context", "TOKENS", "that a dialogue may have at most; 512 if left out"},
    Option{"batch", "N", "requests served at once, at most; 16 if left out"},
    Option{"step-tokens", "N", "new tokens of a step, at most; 256 if left out"},
    Option{"pool", "SIZE", "memory for KV that the model computes in; 4 MiB if left out"},
    Option{"memory", "SIZE", "the tier below it; 2 MiB if left out"},
    Option{"disk", "DIR", "where the tier below that may have a file, which goes with the run",
           Words::directory},
    Option{"file", "SIZE", "of that file; 16 MiB if left out"},
    Option{"threads", "N", "one per core if left out"},
    Option{"seed", "N", "of weights and dialogues; 1 if left out"}};

}  // namespace

constinit const app::Verb kLab = {
    .name = "calibrate lab",
    .summary = "see on a small real model what KV caches, paging, batching and tiers are for",
    .positionals = {},
    .options = kOptions,
    .notes =
        "A transformer with random weights answers dialogues on this machine, again and again,\n"
        "with one idea more each time. The answers are the same; what they cost is not:\n"
        "  off         every new token computes all before it once more\n"
        "  contiguous  a request reserves memory for the longest text there could be\n"
        "  paged       it takes blocks as its text grows, so that more are served at once\n"
        "  tiered      what leaves the pool goes to memory and to a file, and comes back from "
        "there\n"
        "\n"
        "computed: tokens that went through the model; again: of them, not for the first time;\n"
        "KV: the most that was reserved of the pool; used: % of it that held tokens, on average;\n"
        "gemm, attn, moves, rest: % of the time that went there; answers: their checksum.\n"
        "\n"
        "Worth a try: --context 2048, for what a contiguous cache reserves; --attention mqa or "
        "mla, for\n"
        "what a token's KV takes; --pool 1MiB, for who has to give blocks back; --turns 6, for "
        "what\n"
        "tiers save.\n"
        "\n"
        "  terrace calibrate lab --disk /tmp\n"
        "  terrace calibrate lab --cache paged --batching lists --attention mla\n",
    .run = run};

}  // namespace terrace::calibrate
