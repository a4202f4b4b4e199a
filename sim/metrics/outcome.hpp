#pragma once

#include <optional>

#include "sim/base/units.hpp"
#include "sim/serving/request.hpp"

namespace terrace {

/// The latencies of one finished request (see Latencies).
struct Outcome {
  Duration ttft{};
  Duration e2e{};
  std::optional<Duration> tpot;  // in whole picoseconds, rounded down; none of a single token
};

/// REQUIRES: the request was not rejected; its last token came at `now`.
inline Outcome outcome_of(const Request& request, SimTime now) {
  Outcome outcome{request.first_token - request.arrived, now - request.arrived, {}};
  const std::int64_t gaps = request.output.count() - 1;
  if (gaps > 0) outcome.tpot = (now - request.first_token) / gaps;
  return outcome;
}

}  // namespace terrace
