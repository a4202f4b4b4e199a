#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sim/study/plan/plan.hpp"

namespace terrace::tests {

template <class Price>
SourcedPrice<Price> price(const std::string& product, double typical) {
  return {product, {Price{typical * 0.8}, Price{typical}, Price{typical * 1.5}, "2026-06"}, "test"};
}

/// A plan without a file, whose machines cost what is said and run what is said, at most four of
/// each.
class SmallPlan {
 public:
  explicit SmallPlan(std::vector<SloBound> bounds) {
    plan_.name = "small";
    plan_.bounds = std::move(bounds);
  }

  SmallPlan& machine(const std::string& name, Scenario scenario, double gpu_price) {
    scenario.serving.replicas_per_host = scenario.serving.replicas_of_host();
    scenario.serving.replicas = *scenario.serving.replicas_per_host;
    Candidate candidate;
    candidate.machine = plan_.candidates.size();
    candidate.name = name;
    candidate.dram = scenario.hardware.host.dram;
    candidate.drives = scenario.hardware.ssd ? scenario.hardware.drives_per_host : 0;
    candidate.prices = {price<Dollars>(name, gpu_price),
                        price<Dollars>("chassis", 1000),
                        price<DollarsPerTB>("DRAM", 1000),
                        {}};
    if (candidate.drives > 0) candidate.prices.drive = price<DollarsPerTB>("drive", 100);
    MachineSpec spec;
    spec.name = name;
    spec.gpus = scenario.serving.replicas * scenario.serving.gpus_per_replica();
    spec.rack_units = 4;
    spec.most_nodes = 4;
    candidate.scenario = std::move(scenario);
    plan_.candidates.push_back(std::move(candidate));
    plan_.spec.machines.push_back(std::move(spec));
    return *this;
  }

  Plan& operator*() { return plan_; }
  Plan* operator->() { return &plan_; }

 private:
  Plan plan_;
};

}  // namespace terrace::tests
