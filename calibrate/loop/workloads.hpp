#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "calibrate/labs/conversations.hpp"
#include "calibrate/labs/engine.hpp"
#include "sim/base/units.hpp"

namespace terrace::calibrate {

/// Something to serve, and the engine that serves it.
struct LoopWorkload {
  std::string name;
  std::string what;     // in a line
  bool evicts = false;  // into the file, and back
  labs::EngineRules rules;
  std::vector<labs::Conversation> conversations;
};

/// Bounds on all of them: what a calibration has to cover.
struct LoopBounds {
  std::int64_t most_tokens = 256;   // of a step
  std::int64_t most_sequences = 8;  // at once
  std::int64_t longest = 1024;      // tokens of a conversation
  std::int64_t most_blocks = 128;   // of the pool
};
constexpr LoopBounds kLoopBounds{};

/// Fourteen workloads, half of which evict into the file; every other one of each half if `quick`.
/// Where people take their time, `pace` is a second to them: about what a full step takes.
std::vector<LoopWorkload> loop_workloads(std::uint64_t seed, bool quick, Duration pace,
                                         std::int64_t vocabulary);

}  // namespace terrace::calibrate
