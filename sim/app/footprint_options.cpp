#include "sim/app/footprint_options.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "sim/app/catalogue.hpp"
#include "sim/app/model_options.hpp"
#include "sim/app/number_axis.hpp"
#include "sim/app/scenario_options.hpp"
#include "sim/base/saturated.hpp"
#include "sim/base/text.hpp"
#include "sim/config/reader.hpp"
#include "sim/model/attention_rewrite.hpp"
#include "sim/report/human.hpp"
#include "sim/scenario/locate.hpp"

namespace terrace::app {
namespace {

constexpr std::int64_t kMostRows = 10'000;
constexpr std::int64_t kMostBatch = 1'000'000;
constexpr std::int64_t kMostBlock = 65'536;
constexpr std::int64_t kMostOfAKind = 1024;  // hosts or drives

/// The words of a list, each once; none if the option is not there.
std::vector<std::string> words(const Arguments& arguments, std::string_view option) {
  std::vector<std::string> all;
  for (const std::string& text : arguments.all(option)) {
    for (std::string& word : split_list(text)) {
      while (word.ends_with(' ')) word.pop_back();
      if (word.empty()) {
        throw UsageError(fmt::format("--{} '{}': a name is missing", option, text));
      }
      if (std::find(all.begin(), all.end(), word) != all.end()) {
        throw UsageError(fmt::format("--{}: '{}' is there twice", option, word));
      }
      all.push_back(std::move(word));
    }
  }
  return all;
}

std::vector<ModelSpec> models(const Arguments& arguments, const config::Catalogue& catalogue) {
  const std::vector<std::string> names = words(arguments, "models");
  if (names.empty()) {
    throw UsageError(
        "it needs --models NAMES, as in --models llama-3.1-8b,deepseek-v3; 'terrace list models' "
        "tells them");
  }
  std::vector<AttentionRewrite> rewrites;
  for (const std::string& text : words(arguments, "what-if")) {
    auto rewrite = parse_rewrite(text);
    if (!rewrite.value) throw UsageError(fmt::format("--what-if: {}", rewrite.why));
    rewrites.push_back(*std::move(rewrite.value));
  }
  std::vector<ModelSpec> all;
  for (const std::string& name : names) {
    all.push_back(config::read_file<ModelSpec>(find_file(kModelFile, name, catalogue)));
    const ModelSpec model = all.back();
    for (const AttentionRewrite& rewrite : rewrites) {
      try {
        all.push_back(rewritten(model, rewrite));
      } catch (const RewriteError& e) {
        throw UsageError(fmt::format("--what-if: {}", e.what()));
      }
    }
  }
  return all;
}

/// "4xsolidigm-d7-ps1010:7.68TB": how many, of what, how large each.
struct StoreWish {
  std::int64_t count = 1;
  std::string name;
  std::optional<Bytes> capacity;
};

StoreWish store_wish(std::string_view option, const std::string& text) {
  StoreWish wish{1, text, {}};
  std::int64_t count = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, count);
  if (error == std::errc{} && rest != end && *rest == 'x') {
    if (count < 1 || count > kMostOfAKind) {
      throw UsageError(
          fmt::format("--{} {}: between 1 and {} of a kind", option, text, kMostOfAKind));
    }
    wish.count = count;
    wish.name = std::string(rest + 1, end);
  }
  const auto colon = wish.name.find(':');
  if (colon == std::string::npos) return wish;
  const auto size = config::Scalar<Bytes>::parse(std::string_view(wish.name).substr(colon + 1));
  if (!size.value) throw UsageError(fmt::format("--{} {}: {}", option, text, size.why));
  wish.capacity = size.value;
  wish.name.resize(colon);
  return wish;
}

/// A part whose `key` is its size: that of its profile, or the one that is wished, if it is sold.
template <class Spec>
Spec read_part(const std::string& file, std::string_view key, const StoreWish& wish,
               const std::string& from) {
  config::Diagnostics diagnostics;
  config::Node profile = config::parse_yaml(file, config::read_text_file(file), diagnostics);
  diagnostics.raise();
  if (wish.capacity) {
    config::Node size;
    size.kind = config::Node::Kind::scalar;
    size.place = {&diagnostics.add_source(from, ""), 1, 1, 1};
    size.text = config::Scalar<Bytes>::format(*wish.capacity);
    const config::Place place = size.place;
    config::apply_override(profile, key, std::move(size), place, diagnostics);
  }
  Spec spec;
  const config::Catalogue none;
  config::Reader(profile, file, none, diagnostics).read(spec);
  diagnostics.raise();
  return spec;
}

/// One of the catalogue, or that of a machine.
GpuSpec gpu_called(const std::string& name, const config::Catalogue& catalogue) {
  constexpr NamedFile kGpuFile{"GPU", "hwprofiles/gpus"};
  if (const auto machine = machine_and_no_gpu(name, catalogue)) {
    return read_machine(*machine, catalogue).gpu;
  }
  return config::read_file<GpuSpec>(find_file(kGpuFile, name, catalogue));
}

/// What there is to hold KV: "NVMe of 4 x solidigm-d7-ps1010, 7.68 TB each".
template <class Spec>
void add_stores(const Arguments& arguments, std::string_view option, const NamedFile& kind,
                std::string_view key, Bytes Spec::*capacity, std::string_view what,
                const config::Catalogue& catalogue, std::vector<KvStore>& stores) {
  for (const std::string& word : words(arguments, option)) {
    const StoreWish wish = store_wish(option, word);
    const auto spec = read_part<Spec>(find_file(kind, wish.name, catalogue), key, wish,
                                      fmt::format("--{} {}", option, word));
    const std::string times = wish.count > 1 ? fmt::format("{} x ", wish.count) : "";
    std::string name = fmt::format("{} of {}{}", what, times, wish.name);
    // Two sizes of one part are two stores, in tables for programs, too.
    if (wish.capacity) name += ", " + config::Scalar<Bytes>::format(*wish.capacity);
    if (wish.capacity && wish.count > 1) name += " each";
    if (std::any_of(stores.begin(), stores.end(),
                    [&](const KvStore& store) { return store.name == name; })) {
      throw UsageError(fmt::format("--{}: '{}' is there twice", option, word));
    }
    stores.push_back({std::move(name), saturated(spec.*capacity, wish.count)});
  }
}

/// What only a GPU has a use for is a mistake without one.
void check_needed(const Arguments& arguments) {
  if (arguments.has("hw")) return;
  for (const char* option : {"gpu-memory-utilization", "max-num-seqs", "max-num-batched-tokens"}) {
    if (arguments.has(option)) {
      throw UsageError(fmt::format("--{} has no effect without --hw", option));
    }
  }
}

EngineSpec engine(const Arguments& arguments) {
  EngineSpec engine;
  engine.block_size = Tokens{arguments.count("block-size", engine.block_size.count(), kMostBlock)};
  engine.max_num_seqs = arguments.count("max-num-seqs", engine.max_num_seqs, kMostBatch);
  engine.max_num_batched_tokens = Tokens{
      arguments.count("max-num-batched-tokens", engine.max_num_batched_tokens.count(), kMostBatch)};
  if (const auto text = arguments.value("gpu-memory-utilization")) {
    const auto share = config::Scalar<double>::parse(*text).value;
    if (!share || !(*share > 0 && *share <= 1)) {
      throw UsageError(fmt::format(
          "--gpu-memory-utilization takes a number above 0 and up to 1, not '{}'", *text));
    }
    engine.gpu_memory_utilization = *share;
  }
  return engine;
}

void check_rows(const FootprintWishes& wishes) {
  const FootprintQuestion& q = wishes.question;
  double rows = 1;
  for (const std::size_t n :
       {q.models.size(), q.contexts.size(), q.kv.size(), q.tensor.size(), wishes.batches.size()}) {
    rows *= static_cast<double>(n);
  }
  if (rows <= kMostRows) return;
  throw UsageError(fmt::format(
      "{} combinations of models, contexts, batches, types and GPUs are more than {}; take a "
      "larger step in --context or --batch, or ask for fewer things at once",
      human::compact(static_cast<std::int64_t>(std::min(rows, 1e18))), human::count(kMostRows)));
}

}  // namespace

FootprintWishes footprint_wishes(const Arguments& arguments) {
  check_needed(arguments);
  const auto axis = [&](std::string_view option, std::string_view otherwise, std::int64_t most) {
    return number_axis(option, arguments.value(option).value_or(std::string(otherwise)), 1, most);
  };
  FootprintWishes wishes;
  FootprintQuestion& q = wishes.question;
  q.engine = engine(arguments);
  for (const std::int64_t n : axis("context", "4k..128k x2", kMostContext.count())) {
    q.contexts.emplace_back(n);
  }
  wishes.batches = axis("batch", "1", kMostBatch);
  for (const std::string& word : words(arguments, "kv-dtype"))
    q.kv.push_back(parse_name<DType>("kv-dtype", word));
  if (q.kv.empty()) q.kv = {DType::bf16};
  for (const std::int64_t n : axis("tp", "1", kMostGpus)) q.tensor.push_back(static_cast<int>(n));

  const config::Catalogue catalogue = open_catalogue(arguments);
  q.models = models(arguments, catalogue);
  check_rows(wishes);
  for (const ModelSpec& model : q.models) {
    for (const int gpus : q.tensor) check_tensor_parallel(model, gpus);
  }
  for (const std::string& name : words(arguments, "hw")) {
    q.gpus.push_back(gpu_called(name, catalogue));
  }
  add_stores(arguments, "host", {"host", "hwprofiles/hosts"}, "dram", &HostSpec::dram, "DRAM",
             catalogue, q.stores);
  add_stores(arguments, "ssd", {"SSD", "hwprofiles/ssds"}, "capacity", &SsdSpec::capacity, "NVMe",
             catalogue, q.stores);
  return wishes;
}

}  // namespace terrace::app
