#pragma once

#include <span>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/study/load/slo.hpp"

namespace terrace {

/// Lengths that more of the requests reach than may miss a bound, whichever of them a trial judges:
/// if a machine is too slow for these, the bound is missed.
struct Reached {
  bool asked = false;  // some request judged has the latency at all
  Tokens fresh{1};     // of a prompt, that no cache can hold
  Tokens output{1};
  Tokens whole{1};  // prompt and output
};

/// What a load asks of whoever serves it, as far as that is sure before anything is simulated:
/// whichever warm-up a trial leaves out, and whichever requests miss the bounds that a few may
/// miss. Which turns of conversations come depends on how fast others are served: what is said of
/// them holds for service at once and for service just within the SLOs, with a margin. Of closed
/// loops nothing is.
struct Demand {
  double tokens_per_second = 0;  // of output that must have come in time
  Tokens least_prompt{1};
  std::vector<Reached> reached;  // by bound
};

/// `scenario`: under the load in question; on how many machines does not matter. Throws
/// config::ConfigError if its trace cannot be read. O(requests log requests).
Demand demand_of(const Scenario& scenario, std::span<const SloBound> bounds);

}  // namespace terrace
