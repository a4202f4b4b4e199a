#pragma once

#include <cstdint>
#include <memory>

#include "sim/workload/spec.hpp"
#include "sim/workload/workload.hpp"

namespace terrace {

/// Requests made up after a description: a pure function of it, of the seed, and of when requests
/// left the engine.
///
/// The clients' next arrivals are merged in time order, ties by client index: one pending arrival
/// each, O(log clients) per request, memory in proportion to live conversations and users. Every
/// consumer of luck has its own stream, "client/NAME/prompt" and so on, forked by session and turn:
/// changing one distribution leaves all other draws alone, and so does a slower engine.
///
/// Arrivals from `duration` on do not happen, further turns of conversations included; max_requests
/// counts turns, too.
///
/// REQUIRES: a spec that its description finds no fault with.
std::unique_ptr<Workload> make_synthetic(const WorkloadSpec& spec, std::uint64_t seed);

}  // namespace terrace
