#include "calibrate/labs/lab.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "calibrate/lab_options.hpp"
#include "calibrate/measuring/device.hpp"
#include "calibrate/measuring/machine_lock.hpp"
#include "calibrate/verbs.hpp"
#include "sim/app/arguments.hpp"
#include "sim/app/output.hpp"
#include "sim/config/scalar.hpp"
#include "sim/report/human.hpp"
#include "sim/report/table.hpp"

namespace terrace::calibrate {
namespace {

using app::Arguments;
using app::ExitCode;
using app::Option;
using app::UsageError;
using app::Words;
using labs::Batching;
using labs::CacheMode;
using labs::LabResult;
using labs::LabRules;

std::string introduction(const LabRules& rules, const labs::DialogueRules& dialogues,
                         const kernels::KernelSet& kernels) {
  const labs::Shape& shape = rules.shape;
  std::string text = fmt::format(
      "model      {} x width {}, {} parameters; a token's KV takes {}\n"
      "dialogues  {} x {} turns of about {} tokens and {} in answer; at most {} at once\n"
      "machine    {}; a pool of {}\n",
      shape.layers, shape.width, human::compact(shape.parameters()),
      human::bytes(Bytes{shape.block_bytes().count() / shape.page}), dialogues.dialogues,
      dialogues.turns, dialogues.says, dialogues.answer, rules.most_at_once, kernels.description(),
      human::bytes(shape.block_bytes() * rules.pool_blocks));
  if (const std::string caveat = kernels.caveat(); !caveat.empty()) {
    text += paragraph("note       ", caveat);
  }
  return text + '\n';
}

void add_row(Table& table, const std::string& name, const LabResult& r) {
  const auto share = [&](Duration part) { return human::percent(seconds(part), seconds(r.total)); };
  table.add({name, human::rate(r.tokens_per_second()), human::count(r.computed),
             human::count(r.recomputed), human::bytes(r.most_reserved),
             human::percent(r.used, r.most_reserved > Bytes{} ? 1 : 0), share(r.steps.gemm),
             share(r.steps.attention), share(r.moves), share(r.other()),
             fmt::format("{:08x}", r.checksum())});
}

std::string tiers_text(const LabRules& rules, const LabResult& result) {
  constexpr std::array kNames = {"memory", "file"};
  std::string text = "\nwhat moved below the pool:\n";
  const auto blocks = [&](std::int64_t count) {
    return count == 0 ? "none"
                      : fmt::format("{} blocks, {}", human::count(count),
                                    human::bytes(rules.shape.block_bytes() * count));
  };
  for (std::size_t t = 0; t < result.tiers.size(); ++t) {
    const labs::TierCounts& tier = result.tiers[t];
    text += fmt::format("  {:<7} in {}; out {}\n", kNames.at(t), blocks(tier.written),
                        blocks(tier.read));
  }
  if (result.tiers.size() == kNames.size()) return text;
  return text + "  no file: --disk says where there may be one\n";
}

LabResult answer(const LabRules& rules, const std::vector<labs::Conversation>& dialogues,
                 kernels::KernelSet& kernels) {
  try {
    return run_lab(rules, dialogues, kernels);
  } catch (const labs::DoesNotFit& e) {
    throw UsageError(e.what());
  }
}

ExitCode run(const Arguments& arguments) {
  LabRules rules = lab_rules(arguments);
  const labs::DialogueRules wanted = dialogue_rules(arguments);
  const auto modes = lab_modes(arguments);
  const auto dialogues = labs::make_dialogues(wanted);
  const MachineLock lock;
  const Device device = open_device(arguments.value("device").value_or("cpu"), rules.threads);
  app::print(introduction(rules, wanted, *device.kernels));

  Table table({"cache", "tokens/s", "computed", "again", "KV", "used", "gemm", "attn", "moves",
               "rest", "answers"});
  std::string tiers;
  for (const auto& [cache, batching] : modes) {
    rules.cache = cache;
    rules.batching = batching;
    const LabResult result = answer(rules, dialogues, *device.kernels);
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
    Option{"pool", "SIZE", "memory for KV that the model computes in; 2 MiB if left out"},
    Option{"memory", "SIZE", "the tier below it; 2 MiB if left out"},
    Option{"disk", "DIR", "where the tier below that may have a file, which goes with the run",
           Words::directory},
    Option{"file", "SIZE", "of that file; 16 MiB if left out"},
    Option{"device", "DEVICE", "what multiplies and attends: cpu or cuda:0; cpu if left out"},
    Option{
        "threads", "N",
        "of the processor: compute all there, and beside a GPU what is not its kernels'; one per "
        "core if left out"},
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
        "  tiered      its turn over, they can be found again: in the pool, or in memory or a "
        "file\n"
        "              below it, where they go when others need their place\n"
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
