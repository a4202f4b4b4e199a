#include "sim/study/endurance/write_rules.hpp"

#include <stop_token>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/study/crew.hpp"
#include "sim/study/run.hpp"

namespace terrace {
namespace {

std::optional<WriteRule> write_rule(std::string_view name) {
  return config::Scalar<WriteRule>::parse(name).value;
}

}  // namespace

std::vector<std::string_view> write_rule_names() {
  std::vector<std::string_view> all;
  for (const auto& [name, rule] : config::Names<WriteRule>::kList) all.push_back(name);
  for (const auto& rule : config::Variants<AdmissionRecipe>::all()) all.push_back(rule.name);
  return all;
}

Scenario with_write_rule(Scenario scenario, std::string_view name) {
  for (TierSpec& tier : scenario.tiers) {
    if (tier.medium != Medium::nvme) continue;
    if (const auto rule = write_rule(name)) {
      tier.write = *rule;
    } else {
      tier.admission = config::Choice<AdmissionRecipe>(name);
    }
  }
  return scenario;
}

Bytes written_to_drives(const Summary& summary) {
  Bytes sum;
  for (const TierSummary& tier : summary.tiers) {
    if (tier.medium == config::Scalar<Medium>::format(Medium::nvme)) sum += tier.counters.written;
  }
  return sum;
}

std::optional<std::vector<Summary>> run_all(const std::vector<Scenario>& scenarios,
                                            std::size_t jobs, FunctionRef<bool()> proceed) {
  std::vector<Summary> results(scenarios.size());
  Crew crew(scenarios.size(), jobs, [&](std::size_t i, const std::stop_token& stop) {
    results[i] = run(scenarios[i], {{}, [&](const Progress&) { return !stop.stop_requested(); }});
  });
  if (!crew.finish(proceed)) return std::nullopt;
  return results;
}

}  // namespace terrace
