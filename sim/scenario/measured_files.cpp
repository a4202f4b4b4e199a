#include "sim/scenario/measured_files.hpp"

#include "sim/cost/kernel_tables.hpp"
#include "sim/cost/layer_profile.hpp"

namespace terrace {

std::vector<std::filesystem::path> measured_files(const Scenario& scenario) {
  const CostSpec& cost = scenario.serving.cost;
  if (cost.backend == CostBackend::table) return KernelTables::files(cost.tables);
  if (cost.backend != CostBackend::layers) return {};
  const std::filesystem::path profile = cost.profile;
  return LayerProfile::files(profile.parent_path(), profile.filename().string());
}

}  // namespace terrace
