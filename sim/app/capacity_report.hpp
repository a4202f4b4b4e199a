#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "sim/scenario/simulation.hpp"
#include "sim/study/load/capacity.hpp"

namespace terrace::app {

struct CapacityReport {
  const Capacity& capacity;
  const Scenario& scenario;  // at its own load
  const std::vector<SloBound>& bounds;
  Dimensions dimensions;
  double precision = 0;
};

std::string capacity_text(const CapacityReport& report);
std::string capacity_json(const CapacityReport& report);

}  // namespace terrace::app
