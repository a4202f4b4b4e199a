#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/histogram.hpp"
#include "sim/base/units.hpp"
#include "sim/kv/tier.hpp"
#include "sim/metrics/summary.hpp"

namespace terrace {

enum class MetricUnit : std::uint8_t { ms, s, bytes, tokens, tokens_per_s, per_s, ratio, count };

/// Which of two values is the better one.
enum class Better : std::uint8_t { lower, higher, neither };

/// A number that a run can be judged by. It has no value if there was nothing to measure.
struct Metric {
  std::string name;  // "ttft_mean", "tier.dram.hit_ratio"
  MetricUnit unit = MetricUnit::count;
  Better better = Better::neither;
  std::string summary;
  std::function<std::optional<double>(const Summary&)> value;
};

/// Every metric of a machine with these tiers, HBM ("hbm") included if it is to be.
std::vector<Metric> all_metrics(const std::vector<std::string>& tiers);

/// "ms", "bytes", "tokens_per_s"; empty for counts.
std::string_view suffix_of(MetricUnit unit);

/// What a CSV calls the metric: its name in snake case, with its unit at the end.
std::string column_of(const Metric& metric);

// The formulas behind metrics and reports. Without a value: of nothing.

std::optional<double> quotient(double part, double whole);
std::optional<double> per_second(std::int64_t count, Duration duration);
std::optional<double> mean_ms(const Histogram& picoseconds);
std::optional<double> quantile_ms(const Histogram& picoseconds, double q);
std::optional<double> hit_ratio(const TierCounters& counters);  // of tokens looked up here
std::optional<double> mean_load_ms(const TierCounters& counters);
std::optional<double> slo_attainment(const ClientSummary& client);
std::optional<double> gpu_busy_ratio(const Summary& summary);

/// The part of all prompt tokens looked up that was found in some tier.
std::optional<double> prefix_hit_ratio(const Summary& summary);

}  // namespace terrace
