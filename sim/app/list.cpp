#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/app/arguments.hpp"
#include "sim/app/catalogue.hpp"
#include "sim/app/exit_code.hpp"
#include "sim/app/hardware_profile.hpp"
#include "sim/app/list_policy.hpp"
#include "sim/app/output.hpp"
#include "sim/kv/admission/policy.hpp"
#include "sim/kv/eviction/policy.hpp"
#include "sim/kv/prefetch_spec.hpp"
#include "sim/metrics/metric.hpp"
#include "sim/serving/routers/policy.hpp"

namespace terrace::app {
namespace {

using Entry = std::pair<std::string, std::string>;  // name, summary

/// The key figures of hardware, in columns, before what its file says of it.
std::vector<Entry> hardware(const config::Catalogue& catalogue, const CatalogueKind& kind) {
  std::vector<HardwareProfile> all;
  std::vector<std::size_t> widths;
  for (const std::string& name : catalogue.names(kind.folder)) {
    all.push_back(
        load_hardware(kind.name, name, catalogue.find(kind.folder, name).value_or(""), catalogue));
    widths.resize(all.back().highlights.size());
    for (std::size_t i = 0; i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], all.back().highlights[i].size());
    }
  }
  std::vector<Entry> entries;
  for (const HardwareProfile& profile : all) {
    std::string line;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      line += fmt::format("{:>{}}  ", profile.highlights[i], widths[i]);
    }
    entries.emplace_back(profile.name, line + profile.summary);
  }
  return entries;
}

constexpr std::array<std::string_view, 14> kWhat = {
    "models", "gpus",  "hosts",    "ssds",      "networks", "machines", "workloads",
    "sweeps", "plans", "eviction", "admission", "prefetch", "routers",  "metrics"};

std::vector<Entry> entries(std::string_view what, const Arguments& arguments) {
  std::vector<Entry> all;
  if (what == "eviction") {
    for (const auto& policy : eviction_policies()) all.emplace_back(policy.name, policy.summary);
    return all;
  }
  if (what == "admission") {
    for (const auto& rule : config::Variants<AdmissionRecipe>::all()) {
      all.emplace_back(rule.name, rule.summary);
    }
    return all;
  }
  if (what == "prefetch") {
    for (const auto& [name, policy] : config::Names<PrefetchPolicy>::kList) {
      all.emplace_back(name, summary_of(policy));
    }
    return all;
  }
  if (what == "routers") {
    for (const auto& router : routers()) all.emplace_back(router.name, router.summary);
    return all;
  }
  if (what == "metrics") {
    for (const Metric& metric : all_metrics({"NAME"})) {
      const std::string_view unit = suffix_of(metric.unit);
      all.emplace_back(metric.name,
                       fmt::format("{}{}{}", metric.summary, unit.empty() ? "" : ", ", unit));
    }
    return all;
  }
  const config::Catalogue catalogue = open_catalogue(arguments);
  for (const CatalogueKind& kind : catalogue_kinds()) {
    if (kind.name != what) continue;
    if (is_hardware(what)) return hardware(catalogue, kind);
    for (const std::string& name : catalogue.names(kind.folder)) {
      all.emplace_back(name, first_comment(catalogue.find(kind.folder, name).value_or("")));
    }
  }
  return all;
}

ExitCode run(const Arguments& arguments) {
  const std::string what = *arguments.positional(0);
  if (const auto name = arguments.positional(1)) {
    if (!lists_parameters(what)) {
      throw UsageError(
          fmt::format("'terrace list {}' takes no NAME: only eviction, admission and prefetch do, "
                      "to tell the parameters of a policy",
                      what));
    }
    print(policy_text(what, *name));
    return ExitCode::ok;
  }
  const std::vector<Entry> all = entries(what, arguments);
  if (all.empty() && what == "machines") {
    note(
        "terrace: there are no machines yet: 'terrace calibrate --out NAME' makes one of this one");
  }
  std::size_t width = 0;
  for (const auto& [name, summary] : all) width = std::max(width, name.size());
  for (const auto& [name, summary] : all) print(fmt::format("{:<{}}  {}\n", name, width, summary));
  if (lists_parameters(what)) {
    print(fmt::format("'terrace list {} NAME' tells the parameters of one\n", what));
  }
  return ExitCode::ok;
}

constexpr std::array kPositionals = {
    Positional{"WHAT", "one of", true, Words::choice, kWhat},
    Positional{"NAME", "an eviction, admission or prefetch policy: what parameters it has", false}};
constexpr std::array kOptions = {kCatalogOption};

}  // namespace

constinit const Verb kList = {.name = "list",
                              .summary = "what can be named in a scenario, a sweep or a plan",
                              .positionals = kPositionals,
                              .options = kOptions,
                              .notes =
                                  "  terrace list eviction\n"
                                  "  terrace list eviction lru_k\n",
                              .run = run};

}  // namespace terrace::app
