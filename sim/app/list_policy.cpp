#include "sim/app/list_policy.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/app/exit_code.hpp"
#include "sim/base/text.hpp"
#include "sim/config/parameters.hpp"
#include "sim/kv/admission/policy.hpp"
#include "sim/kv/eviction/policy.hpp"
#include "sim/kv/prefetch_spec.hpp"
#include "sim/report/table.hpp"

namespace terrace::app {
namespace {

struct Policy {
  std::string_view summary;
  std::string_view section;  // of a scenario, that it is written in
  std::string needs;
  std::vector<config::Parameter> parameters;
};

std::string needs_text(FactNeeds needs) {
  constexpr std::array<std::pair<FactNeeds, std::string_view>, 4> kFacts{
      {{FactNeeds::use,
        "who uses a block: sessions (conversations, or a trace that tells them), or priorities "
        "(retention of a client)"},
       {FactNeeds::recompute, "prefill times, which a replay ('terrace mrc') does not know"},
       {FactNeeds::queue, "a queue of requests, which a replay ('terrace mrc') does not have"},
       {FactNeeds::future, "the future: it is an oracle, a bound that no real engine reaches"}}};
  std::string all;
  for (const auto& [fact, what] : kFacts) {
    if (any_of(needs, fact)) (all += all.empty() ? "" : "; ") += what;
  }
  return all;
}

[[noreturn]] void unknown(std::string_view kind, const std::string& name,
                          const std::vector<std::string_view>& names) {
  const auto near = closest(name, names);
  throw UsageError(
      near ? fmt::format("'terrace list {}' knows no '{}'; did you mean '{}'?", kind, name, *near)
           : fmt::format("'terrace list {}' knows no '{}'; there are {}", kind, name,
                         fmt::join(names, ", ")));
}

template <class Recipe>
Policy variant(std::string_view kind, const std::string& name, std::string_view section) {
  std::vector<std::string_view> names;
  for (const config::Variant<Recipe>& one : config::Variants<Recipe>::all()) {
    names.push_back(one.name);
    if (one.name != name) continue;
    const std::unique_ptr<Recipe> recipe = one.recipe();
    config::ParameterList list;
    recipe->tell(list);
    return {one.summary, section, needs_text(recipe->needs()), list.all()};
  }
  unknown(kind, name, names);
}

Policy prefetch(const std::string& name) {
  const auto policy = config::Scalar<PrefetchPolicy>::parse(name);
  if (!policy.value) {
    std::vector<std::string_view> names;
    for (const auto& [known, value] : config::Names<PrefetchPolicy>::kList) names.push_back(known);
    unknown("prefetch", name, names);
  }
  PrefetchSpec spec;
  spec.policy = *policy.value;
  config::ParameterList list("policy");
  spec.tell(list, "");
  const bool sessions = spec.policy == PrefetchPolicy::next_turn;
  return {summary_of(spec.policy), "a tier",
          sessions ? "sessions (conversations, or a trace that tells them)" : "", list.all()};
}

Policy find(std::string_view kind, const std::string& name) {
  if (kind == "eviction") return variant<EvictionRecipe>(kind, name, "serving.engine or a tier");
  if (kind == "admission") return variant<AdmissionRecipe>(kind, name, "a tier");
  return prefetch(name);
}

/// How a file chooses it, with the first parameter that can stand as it is.
std::string example(std::string_view kind, const std::string& name, const Policy& policy) {
  for (const config::Parameter& one : policy.parameters) {
    if (one.value.empty() || !one.only_with.empty()) continue;
    return fmt::format("{}: {{policy: {}, {}: {}}}", kind, name, one.key, one.value);
  }
  return fmt::format("{}: {}", kind, name);
}

std::string entry(const config::Parameter& one) {
  std::string rule = one.takes;
  if (one.required) rule += "; has to be given";
  if (!one.value.empty()) rule += fmt::format("; default {}", one.value);
  std::string text = paragraph(fmt::format("  {}: ", one.key), rule);
  if (!one.only_with.empty()) {
    text += paragraph("      ", fmt::format("only with {}", fmt::join(one.only_with, " or ")));
  }
  return text + paragraph("      ", one.doc);
}

}  // namespace

bool lists_parameters(std::string_view kind) {
  return kind == "eviction" || kind == "admission" || kind == "prefetch";
}

std::string policy_text(std::string_view kind, const std::string& name) {
  const Policy policy = find(kind, name);
  std::string text = paragraph(name + ": ", policy.summary);
  text += fmt::format("written, in {}:\n  {}\n", policy.section, example(kind, name, policy));
  if (!policy.needs.empty()) text += paragraph("needs: ", policy.needs);
  if (policy.parameters.empty()) return text + "It has no parameters.\n";
  text += "parameters:\n";
  for (const config::Parameter& one : policy.parameters) text += entry(one);
  return text;
}

}  // namespace terrace::app
