#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>

namespace terrace::testing {

/// A scenario in parts, so that a test may change one of them.
struct RandomScenario {
  std::string head;  // seed, model, hardware
  std::string serving;
  std::string tiers;  // may be empty
  std::string workload;

  [[nodiscard]] std::string yaml() const { return head + serving + tiers + workload; }
};

std::ostream& operator<<(std::ostream& out, const RandomScenario& scenario);

/// Runs `property` on so many random scenarios; the first that it throws for, or fails an RC_ASSERT
/// for, is shrunk and printed. The same seed gives the same scenarios.
///
/// They have a tiny model and every medium; one to four replicas on one or two hosts, each router;
/// no tier to three, of any medium, eviction policy, admission, write rule and queue, promotion,
/// inclusion, scope, block size and capacity, none and unlimited included; oracles where requests
/// do not depend on the run; caches from far too small to ample; every content kind and most
/// arrival laws; 20 to 200 requests.
void check_scenarios(std::uint64_t seed, int scenarios,
                     const std::function<void(const RandomScenario&)>& property);

}  // namespace terrace::testing
