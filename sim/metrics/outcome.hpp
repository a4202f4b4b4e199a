#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sim/base/units.hpp"
#include "sim/serving/request.hpp"

namespace terrace {

enum class Latency : std::uint8_t { ttft, tpot, e2e };
constexpr std::array kLatencies = {Latency::ttft, Latency::tpot, Latency::e2e};
constexpr std::array<std::string_view, kLatencies.size()> kLatencyNames = {"ttft", "tpot", "e2e"};

/// The latencies of one finished request (see Latencies).
struct Outcome {
  Duration ttft{};
  Duration e2e{};
  std::optional<Duration> tpot;  // in whole picoseconds, rounded down; none of a single token

  [[nodiscard]] std::optional<Duration> of(Latency which) const {
    switch (which) {
      case Latency::ttft:
        return ttft;
      case Latency::tpot:
        return tpot;
      case Latency::e2e:
        return e2e;
    }
    return std::nullopt;
  }
};

/// REQUIRES: the request was not rejected; its last token came at `now`.
inline Outcome outcome_of(const Request& request, SimTime now) {
  Outcome outcome{request.first_token - request.arrived, now - request.arrived, {}};
  const std::int64_t gaps = request.output.count() - 1;
  if (gaps > 0) outcome.tpot = (now - request.first_token) / gaps;
  return outcome;
}

}  // namespace terrace
