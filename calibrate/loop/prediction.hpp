#pragma once

#include <vector>

#include "calibrate/labs/conversations.hpp"
#include "calibrate/labs/engine.hpp"
#include "calibrate/labs/transformer.hpp"
#include "sim/scenario/scenario.hpp"

namespace terrace::calibrate {

/// The lab's model in the simulator's words.
ModelSpec model_of(const labs::Shape& shape);

/// The lab's engine on a machine: the first tier is its DRAM, the second its drive. What a memory
/// evicts is written to the next; a step waits for what its requests have loaded.
Scenario scenario_of(const labs::Shape& shape, const labs::EngineRules& rules,
                     const HardwareSpec& machine, const CostSpec& cost);

/// What the simulator makes of the conversations, as the lab's engine would tell it; nobody says
/// anything in the answers, though. Throws std::runtime_error if a request could never run.
labs::Served simulate(const Scenario& scenario,
                      const std::vector<labs::Conversation>& conversations);

}  // namespace terrace::calibrate
