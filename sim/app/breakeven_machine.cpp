#include "sim/app/breakeven_machine.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/app/breakeven_report.hpp"
#include "sim/app/model_options.hpp"
#include "sim/app/scenario_options.hpp"
#include "sim/scenario/locate.hpp"

namespace terrace::app {
namespace {

constexpr std::string_view kUsualHost = "dual-ddr5-5600-8ch";

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

config::Node word(config::Diagnostics& diagnostics, std::string_view option, std::string text) {
  config::Node node;
  node.kind = config::Node::Kind::scalar;
  node.place = {&diagnostics.add_source(fmt::format("--{} {}", option, text), ""), 1, 1, 1};
  node.text = std::move(text);
  return node;
}

/// The tiers that --tiers says, or those that have hardware.
std::vector<Medium> tiers_said(const Arguments& arguments,
                               const std::optional<NamedMachine>& machine) {
  std::vector<Medium> tiers;
  const auto text = arguments.value("tiers");
  if (!text) {
    tiers.push_back(Medium::dram);
    if (arguments.has("ssd") || (machine && machine->parts.ssd)) tiers.push_back(Medium::nvme);
    if (arguments.has("network") || (machine && machine->parts.network)) {
      tiers.push_back(Medium::network);
    }
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
void check_hardware(const Arguments& arguments, const std::optional<NamedMachine>& machine,
                    const std::vector<Medium>& tiers) {
  const auto there = [&](std::string_view option) {
    return arguments.has(option) ||
           (machine && (option == "ssd" ? machine->parts.ssd.has_value()
                                        : machine->parts.network.has_value()));
  };
  const auto asked = [&](Medium tier) {
    return std::find(tiers.begin(), tiers.end(), tier) != tiers.end();
  };
  for (const auto& [tier, option, list] : {std::tuple(Medium::nvme, "ssd", "ssds"),
                                           std::tuple(Medium::network, "network", "networks")}) {
    if (asked(tier) && !there(option)) {
      throw UsageError(fmt::format("--tiers {}: which one? name it with --{}, of 'terrace list {}'",
                                   medium_name(tier), option, list));
    }
    if (!asked(tier) && arguments.has(option)) {
      throw UsageError(
          fmt::format("--{} has no effect: '{}' is not among --tiers", option, medium_name(tier)));
    }
  }
  if (arguments.has("drives") && !there("ssd")) {
    throw UsageError("--drives has no effect without --ssd");
  }
}

/// Throws UsageError unless the model can be shared by --tp GPUs, as far as the option tells: an
/// unknown model, and one that --set changes, are left to those who read them.
void check_sharing(const Arguments& arguments, const config::Catalogue& catalogue) {
  if (!arguments.has("tp")) return;
  const std::int64_t gpus = arguments.count("tp", 1, kMostGpus);
  const auto path = catalogue.find(kModelFile.folder, arguments.value("model").value_or(""));
  const auto& sets = arguments.all(kSetOption.name);
  const bool changed = std::any_of(sets.begin(), sets.end(),
                                   [](const std::string& set) { return set.starts_with("model"); });
  if (path && !changed) check_tensor_parallel(config::read_file<ModelSpec>(*path, catalogue), gpus);
}

/// Throws UsageError if an option and a --set say the same.
void check_sets(const Arguments& arguments, bool machine) {
  std::vector<Shorthand> options = {{"tp", "serving.tensor_parallel"},
                                    {"kv-dtype", "serving.engine.kv_cache_dtype"}};
  for (const auto& [option, key] : kScenarioKeys) {
    options.push_back({option, machine && option == "hw" ? "hardware" : key});
  }
  check_each_counts(arguments, options);
}

}  // namespace

std::optional<NamedMachine> machine_named(const Arguments& arguments,
                                          const config::Catalogue& catalogue) {
  const auto found = machine_and_no_gpu(arguments.value("hw").value_or(""), catalogue);
  if (!found) return std::nullopt;
  return NamedMachine{*found, read_machine(*found, catalogue)};
}

std::vector<Medium> tiers_of(const Arguments& arguments,
                             const std::optional<NamedMachine>& machine) {
  std::vector<Medium> tiers = tiers_said(arguments, machine);
  check_hardware(arguments, machine, tiers);
  return tiers;
}

Scenario machine_of(const Arguments& arguments, const std::optional<NamedMachine>& machine,
                    const config::Catalogue& catalogue) {
  check_sets(arguments, machine.has_value());
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
  check_sharing(arguments, catalogue);
  lay("tp", "serving.tensor_parallel", arguments.value("tp").value_or("1"));
  lay("model", "serving.engine.enable_prefix_caching", "false");  // else encoders are refused
  if (machine) {
    lay("hw", "hardware", machine->name);
  } else if (!arguments.has("host")) {
    lay("host", "hardware.host", std::string(kUsualHost));
  }
  for (const auto& [option, key] : kScenarioKeys) {
    if (machine && option == "hw") continue;
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
  Scenario scenario = read_scenario("breakeven", root, catalogue, diagnostics).scenario;
  diagnostics.raise();
  return scenario;
}

}  // namespace terrace::app
