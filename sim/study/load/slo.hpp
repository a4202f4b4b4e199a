#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/config/scalar.hpp"
#include "sim/metrics/outcome.hpp"
#include "sim/scenario/scenario.hpp"

namespace terrace {

/// What a latency must not exceed: "ttft_p99=2s" of all requests, "agents.tpot_mean=50ms" of one
/// client's.
struct SloBound {
  std::string client;  // empty: all together
  Latency latency = Latency::ttft;
  std::optional<double> quantile;  // 0.99; none: the mean
  Duration limit{};

  /// "agents.tpot_mean"
  [[nodiscard]] std::string name() const;
};

/// "ttft_p99=2s,tpot_p99=50ms" as bounds, or why it is none, with the nearest thing that is.
/// Quantiles are p50, p90, p95, p99, p99.9; a latency without one ("ttft=2s") means its p99.
config::Parsed<std::vector<SloBound>> parse_slo(std::string_view text);

/// The SLOs that the clients of a scenario have, each as a bound on `quantile`. Throws
/// config::ConfigError if its trace cannot be read.
std::vector<SloBound> slo_of(const Scenario& scenario, double quantile);

/// What no run can meet or what says nothing: a client that the scenario does not have (with the
/// nearest), two bounds on one figure, or one that another implies. Empty if there is nothing
/// wrong. Throws like slo_of().
std::string why_contradictory(std::span<const SloBound> bounds, const Scenario& scenario);

/// The fewest requests of a run that can tell all these quantiles, half of them left out as
/// warm-up: 200 for a p99, so that one at least lies beyond it.
std::size_t requests_needed(std::span<const SloBound> bounds);

}  // namespace terrace
