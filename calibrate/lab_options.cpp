#include "calibrate/lab_options.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "calibrate/measuring/environment.hpp"
#include "sim/report/human.hpp"

namespace terrace::calibrate {
namespace {

/// What users call kinds of attention.
enum class HeadSharing : std::uint8_t { mha, gqa, mqa, mla };

}  // namespace
}  // namespace terrace::calibrate

template <>
struct terrace::config::Names<terrace::calibrate::HeadSharing> {
  using enum terrace::calibrate::HeadSharing;
  static constexpr std::string_view kKind = "kind of attention";
  static constexpr std::pair<std::string_view, terrace::calibrate::HeadSharing> kList[] = {
      {"mha", mha}, {"gqa", gqa}, {"mqa", mqa}, {"mla", mla}};
};

template <>
struct terrace::config::Names<terrace::kernels::Element> {
  static constexpr std::string_view kKind = "element";
  static constexpr std::pair<std::string_view, terrace::kernels::Element> kList[] = {
      {"bf16", terrace::kernels::Element::bf16}, {"fp32", terrace::kernels::Element::fp32}};
};

namespace terrace::calibrate {

using app::Arguments;
using app::parse_name;
using app::UsageError;
using labs::Batching;
using labs::CacheMode;
using labs::LabRules;

namespace {

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
  shape.seed = seed_of(arguments);
  return shape;
}

/// Blocks that a memory of that size has.
std::int64_t blocks_of(const Arguments& arguments, std::string_view option, Bytes otherwise,
                       Bytes block) {
  constexpr Bytes kMost{std::int64_t{64} << 30U};
  const auto text = arguments.value(option);
  const Bytes size = text ? app::parse_value<Bytes>(option, *text) : otherwise;
  if (size >= block && size <= kMost) return size.count() / block.count();
  throw UsageError(fmt::format("--{} takes from {}, one block of this model, to {}, not {}", option,
                               human::bytes(block), human::bytes(kMost),
                               text.value_or(human::bytes(size))));
}

constexpr std::int64_t kMostContext = 65'536;

std::int64_t context_of(const Arguments& arguments, std::int64_t longest) {
  constexpr std::int64_t kUsual = 512;
  const std::int64_t context =
      arguments.count("context", std::clamp(longest, kUsual, kMostContext), kMostContext);
  if (longest <= context) return context;
  throw UsageError(
      fmt::format("a dialogue gets {} tokens long, and the context has {}: --context up to {}, or "
                  "fewer --turns, or less of --says and --answer",
                  human::count(longest), human::count(context), human::count(kMostContext)));
}

}  // namespace

std::uint64_t seed_of(const Arguments& arguments) {
  const std::int64_t seed = arguments.number("seed").value_or(1);
  if (seed < 0) throw UsageError(fmt::format("--seed takes a number from 0 on, not {}", seed));
  return static_cast<std::uint64_t>(seed);
}

int threads_of(const Arguments& arguments, int otherwise) {
  const int cores = usable_cores();
  const auto threads = arguments.number("threads").value_or(otherwise);
  if (threads >= 1 && threads <= cores) return static_cast<int>(threads);
  throw UsageError(
      fmt::format("--threads takes from 1 to {}, the cores that may be used here, not "
                  "{}: more would wait for each other, and be measured waiting",
                  cores, threads));
}

LabRules lab_rules(const Arguments& arguments, std::int64_t longest) {
  constexpr Bytes kMemory{std::int64_t{2} << 20U};
  constexpr Bytes kFile{std::int64_t{16} << 20U};
  LabRules rules;
  rules.shape = shape_of(arguments);
  const Bytes block = rules.shape.block_bytes();
  rules.context = context_of(arguments, longest);
  const Bytes one = block * rules.shape.blocks_for(rules.context);
  rules.pool_blocks = blocks_of(arguments, "pool", std::max(kMemory, one), block);
  rules.most_at_once = arguments.count("batch", 16, 1024);
  rules.step_tokens = arguments.count("step-tokens", 256, 65'536);
  rules.threads = threads_of(arguments, usable_cores());
  rules.tiers = {blocks_of(arguments, "memory", std::max(kMemory, block), block)};
  if (const auto directory = arguments.value("disk")) {
    rules.file.directory = *directory;
    rules.tiers.push_back(blocks_of(arguments, "file", std::max(kFile, block), block));
  } else if (arguments.has("file")) {
    throw UsageError("--file says how large a file is: it needs --disk, where it may be");
  }
  return rules;
}

std::vector<std::pair<CacheMode, Batching>> lab_modes(const Arguments& arguments) {
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

labs::DialogueRules dialogue_rules(const Arguments& arguments) {
  labs::DialogueRules rules;
  rules.dialogues = arguments.count("dialogues", 16, 10'000);
  rules.turns = arguments.count("turns", 2, 1000);
  rules.says = arguments.count("says", 48, 16'384);
  rules.answer = arguments.count("answer", 24, 16'384);
  rules.seed = seed_of(arguments);
  return rules;
}

}  // namespace terrace::calibrate
