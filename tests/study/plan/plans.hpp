#pragma once

#include <string>

#include "sim/config/diagnostics.hpp"
#include "sim/study/plan/plan.hpp"

namespace terrace::tests {

/// Two machines, 2 x 2 x 3 and 1 candidates, of a scenario with tiers in DRAM and on NVMe.
inline constexpr const char* kPlan = R"(scenario: chat-agents
demand: {load: 2, growth: 0.5, horizon: 2 years, mean_load: 0.5}
machines:
  - name: big
    gpu: h200-sxm
    host: dual-xeon-ddr5-2tib
    gpus: 8
    tensor_parallel: [2, 4]
    dram: [512 GiB, 1 TiB]
    drives:
      - {ssd: kioxia-cd9p-r, capacities: [7.68 TB, 15.36 TB], counts: [0, 4]}
    chassis: {low: 60000 USD, typical: 80000 USD, high: 110000 USD, as_of: 2026-06}
  - gpu: l40s
    host: dual-xeon-ddr5-2tib
    gpus: 4
    tensor_parallel: [4]
    chassis: {low: 20000 USD, typical: 28000 USD, high: 40000 USD, as_of: 2026-06}
limits: {spare_nodes: 1}
)";

inline Plan plan_of(const std::string& text = kPlan, const PlanOverrides& overrides = {}) {
  return parse_plan("plan.yaml", text, config::Catalogue({TERRACE_SOURCE_DIR}), overrides);
}

/// kPlan with another text in place of the first `was`.
inline std::string plan_with(const std::string& was, const std::string& is) {
  std::string text = kPlan;
  const auto at = text.find(was);
  if (at == std::string::npos) return "not there: " + was;
  return text.replace(at, was.size(), is);
}

/// What is said of a plan that is wrong.
inline std::string complaint(const std::string& text, const PlanOverrides& overrides = {}) {
  try {
    static_cast<void>(plan_of(text, overrides));
  } catch (const config::ConfigError& e) {
    return e.what();
  }
  return "none";
}

}  // namespace terrace::tests
