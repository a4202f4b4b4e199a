#pragma once

#include <cstdint>

#include "sim/fabric/node.hpp"
#include "sim/kv/memories.hpp"
#include "sim/scenario/scenario.hpp"

namespace terrace {

// What a scenario is to the fabric: the same for runs and for what is worked out without one.

std::int64_t layer_count(const ModelSpec& model);

/// Where its memories lie.
DeploymentSpec deployment(const Scenario& scenario);

/// One block on every GPU of a replica, whole or by the layers there, K and V apart.
BlockTraffic block_traffic(const Scenario& scenario);

}  // namespace terrace
