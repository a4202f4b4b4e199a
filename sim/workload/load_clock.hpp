#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/workload/spec.hpp"

namespace terrace {

/// Whether a load ends before simulated time does, and what to change if it does not.
class LoadClock {
 public:
  /// Throws EndOfTime if, but for a chance of less than 1e-20, the requests that it counts cannot
  /// all come within 106 days.
  explicit LoadClock(const WorkloadSpec& spec);

  /// Throws EndOfTime: the client of that index has more to send, but not within 106 days. So many
  /// requests of all clients have come.
  [[noreturn]] void fail(std::size_t client, std::int64_t sent) const;

 private:
  struct ClientKnobs {
    std::string name;
    std::string pace;  // the keys that say how fast it sends
  };

  std::vector<ClientKnobs> clients_;
};

}  // namespace terrace
