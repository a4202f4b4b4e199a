#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/scenario/scenario.hpp"

namespace terrace {

/// A request, as far as it is known before it is served.
struct Foreseen {
  double at = 0;  // seconds
  std::uint32_t client = 0;
  Tokens prompt;
  Tokens fresh;  // of the prompt: what can be in no cache when it comes
  Tokens output;
  Tokens whole;  // both
};

/// Whether the next request comes when another has been served, of some client.
bool any_in_a_loop(const Scenario& scenario);

/// Whether turns of conversations do.
bool any_in_turns(const Scenario& scenario);

/// All that comes if each request leaves as late as `service` says; nothing if there is no end to
/// it. Throws config::ConfigError if the trace cannot be read. O(requests log requests).
std::vector<Foreseen> foresee(const Scenario& scenario,
                              const std::function<Duration(const Foreseen&)>& service);

}  // namespace terrace
