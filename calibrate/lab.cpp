#include "calibrate/labs/lab.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "calibrate/disk/test_file.hpp"
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
using Mode = std::pair<CacheMode, Batching>;

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

/// Rows are printed as they are measured, each minutes after the one before: widths are known
/// before the numbers are.
std::string row_text(std::string_view name, std::span<const std::string> cells) {
  constexpr std::array kWidths = {8, 9, 9, 10, 5, 5, 5, 5, 5, 8};
  std::string text = fmt::format("{:<17}", name);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    text += fmt::format("  {:>{}}", cells[i], kWidths.at(i));
  }
  return text + '\n';
}

std::string head_text() {
  constexpr std::array<std::string_view, 10> kHeads = {
      "tokens/s", "computed", "again", "KV", "used", "gemm", "attn", "moves", "rest", "answers"};
  return row_text("cache", std::vector<std::string>(kHeads.begin(), kHeads.end()));
}

std::string result_text(const std::string& name, const LabResult& r) {
  const auto share = [&](Duration part) { return human::percent(seconds(part), seconds(r.total)); };
  return row_text(name, std::array{human::rate(r.tokens_per_second()), human::count(r.computed),
                                   human::count(r.recomputed), human::bytes(r.most_reserved),
                                   human::percent(r.used, r.most_reserved > Bytes{} ? 1 : 0),
                                   share(r.steps.gemm), share(r.steps.attention), share(r.moves),
                                   share(r.other()), fmt::format("{:08x}", r.checksum())});
}

/// A row at a time is worth something however the next one ends.
void print_now(const std::string& text) {
  app::print(text);
  app::flush();
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

/// Why the pool is too small for this mode; nothing if it is not.
std::optional<std::string> too_small(const LabRules& rules,
                                     const std::vector<labs::Conversation>& dialogues) {
  const std::int64_t least = least_blocks(rules, dialogues);
  if (least <= rules.pool_blocks) return std::nullopt;
  const bool reserves = rules.cache == CacheMode::contiguous;
  return fmt::format(
      "does not fit: {} needs a --pool of at least {} KiB{}",
      reserves ? fmt::format("a request reserves {} tokens, which", human::count(rules.context))
               : fmt::format("a dialogue of {} tokens", human::count(longest_of(dialogues))),
      (rules.shape.block_bytes() * least).count() / 1024, reserves ? ", or less --context" : "");
}

/// The tier's file is there long before it is needed: where there can be none, nothing is measured.
void try_disk(const LabRules& rules) {
  if (rules.tiers.size() < 2) return;
  constexpr auto kAlignment = static_cast<std::int64_t>(TestFile::kAlignment);
  const TestFile file(rules.file.directory, Bytes{kAlignment});
}

std::string name_of(const Mode& mode) {
  const std::string name = config::Scalar<CacheMode>::format(mode.first);
  return mode.second == Batching::lists ? name + ", lists" : name;
}

ExitCode run(const Arguments& arguments) {
  const labs::DialogueRules wanted = dialogue_rules(arguments);
  const auto dialogues = labs::make_dialogues(wanted);
  LabRules rules = lab_rules(arguments, longest_of(dialogues));
  const auto modes = lab_modes(arguments);
  const auto take = [&](const Mode& mode) { std::tie(rules.cache, rules.batching) = mode; };
  if (modes.size() == 1) {
    take(modes.front());
    if (const auto why = too_small(rules, dialogues)) {
      throw UsageError(fmt::format("{} {}", name_of(modes.front()), *why));
    }
  }
  const MachineLock lock;
  const Device device = open_device(arguments.value("device").value_or("cpu"), rules.threads);
  try_disk(rules);
  app::print(introduction(rules, wanted, *device.kernels));
  print_now(head_text());

  std::string tiers;
  for (const Mode& mode : modes) {
    take(mode);
    if (const auto why = too_small(rules, dialogues)) {
      print_now(paragraph(fmt::format("{:<17}  ", name_of(mode)), *why));
      continue;
    }
    const LabResult result = run_lab(rules, dialogues, *device.kernels);
    print_now(result_text(name_of(mode), result));
    if (rules.cache == CacheMode::tiered) tiers = tiers_text(rules, result);
  }
  app::print(tiers);
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
    Option{"context", "TOKENS",
           "that a dialogue may have at most; if left out 512, or the longest dialogue's"},
    Option{"batch", "N", "requests served at once, at most; 16 if left out"},
    Option{"step-tokens", "N", "new tokens of a step, at most; 256 if left out"},
    Option{"pool", "SIZE",
           "memory for KV that the model computes in; if left out 2 MiB, or one --context"},
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
