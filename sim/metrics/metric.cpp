#include "sim/metrics/metric.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace terrace {
namespace {

constexpr double kMsPerPs = 1e-9;

void add_latency(std::vector<Metric>& all, const std::string& name, const std::string& what,
                 Histogram Latencies::*which) {
  all.push_back({name + "_mean", MetricUnit::ms, Better::lower, "mean " + what,
                 [which](const Summary& s) { return mean_ms(s.all.latencies.*which); }});
  constexpr std::array<std::pair<const char*, double>, 3> kQuantiles = {
      {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}}};
  for (const auto& [suffix, q] : kQuantiles) {
    all.push_back(
        {name + "_" + suffix, MetricUnit::ms, Better::lower,
         fmt::format("{} % of {} are no longer", 100 * q, what),
         [which, q = q](const Summary& s) { return quantile_ms(s.all.latencies.*which, q); }});
  }
}

const TierSummary* find_tier(const Summary& summary, const std::string& name) {
  const auto& tiers = summary.tiers;
  const auto found =
      std::find_if(tiers.begin(), tiers.end(), [&](const auto& tier) { return tier.name == name; });
  return found != tiers.end() ? &*found : nullptr;
}

/// Metrics of a tier that a run does not have: nothing was moved, and there is nothing to average.
void add_tier(std::vector<Metric>& all, const std::string& tier) {
  const auto add = [&](const char* what, MetricUnit unit, Better better, const char* summary,
                       auto value, std::optional<double> without) {
    all.push_back({fmt::format("tier.{}.{}", tier, what), unit, better, summary,
                   [tier, value, without](const Summary& s) -> std::optional<double> {
                     const TierSummary* found = find_tier(s, tier);
                     return found != nullptr ? value(found->counters) : without;
                   }});
  };
  const auto amount = [](auto member) {
    return [member](const TierCounters& c) -> std::optional<double> {
      return static_cast<double>((c.*member).count());
    };
  };
  add("hit_ratio", MetricUnit::ratio, Better::higher,
      "tokens found, of those looked up in this tier", hit_ratio, std::nullopt);
  add("hit_tokens", MetricUnit::tokens, Better::higher, "prompt tokens found in this tier",
      amount(&TierCounters::hits), 0.0);
  add("read_bytes", MetricUnit::bytes, Better::lower, "read from this tier",
      amount(&TierCounters::read), 0.0);
  add("written_bytes", MetricUnit::bytes, Better::lower, "written to this tier",
      amount(&TierCounters::written), 0.0);
  add(
      "writes_skipped", MetricUnit::count, Better::lower, "writes for which there was no room",
      [](const TierCounters& c) -> std::optional<double> {
        return static_cast<double>(c.writes_skipped);
      },
      0.0);
  add("load_time_mean", MetricUnit::ms, Better::lower, "mean time of a load out of this tier",
      mean_load_ms, std::nullopt);
}

std::optional<double> number(std::int64_t value) { return static_cast<double>(value); }

}  // namespace

std::vector<Metric> all_metrics(const std::vector<std::string>& tiers) {
  using enum Better;
  std::vector<Metric> all;
  add_latency(all, "ttft", "times to the first token", &Latencies::ttft);
  add_latency(all, "tpot", "times per output token after the first", &Latencies::tpot);
  add_latency(all, "itl", "gaps between two tokens", &Latencies::itl);
  add_latency(all, "e2e", "times from arrival to the last token", &Latencies::e2e);
  const auto add = [&](const char* name, MetricUnit unit, Better better, const char* summary,
                       std::optional<double> (*value)(const Summary&)) {
    all.push_back({name, unit, better, summary, value});
  };
  using S = const Summary&;
  add("request_throughput", MetricUnit::per_s, higher, "requests completed",
      [](S s) { return per_second(s.all.completed, s.duration); });
  add("request_goodput", MetricUnit::per_s, higher, "requests completed within their SLO",
      [](S s) { return per_second(s.all.good, s.duration); });
  add("slo_attainment", MetricUnit::ratio, higher, "requests within their SLO, of those completed",
      [](S s) { return slo_attainment(s.all); });
  add("input_throughput", MetricUnit::tokens_per_s, higher, "prompt tokens of completed requests",
      [](S s) { return per_second(s.all.prompt.count(), s.duration); });
  add("output_throughput", MetricUnit::tokens_per_s, higher, "output tokens of completed requests",
      [](S s) { return per_second(s.all.output.count(), s.duration); });
  add("total_token_throughput", MetricUnit::tokens_per_s, higher,
      "all tokens of completed requests",
      [](S s) { return per_second((s.all.prompt + s.all.output).count(), s.duration); });
  add("prefix_hit_ratio", MetricUnit::ratio, higher,
      "prompt tokens found in any tier, of those looked up", prefix_hit_ratio);
  add("completed", MetricUnit::count, higher, "requests completed",
      [](S s) { return number(s.all.completed); });
  add("rejected", MetricUnit::count, lower, "requests that can never be served",
      [](S s) { return number(s.all.rejected); });
  add("preemptions", MetricUnit::count, lower, "running requests that had to make room",
      [](S s) { return number(s.preemptions); });
  add("recomputed_tokens", MetricUnit::tokens, lower, "tokens computed again after a preemption",
      [](S s) { return number(s.recomputed.count()); });
  add("gpu_busy_ratio", MetricUnit::ratio, neither, "time in steps, without waits for loads",
      gpu_busy_ratio);
  add("duration", MetricUnit::s, lower, "simulated time to the end of the last request",
      [](S s) -> std::optional<double> { return seconds(s.duration); });
  for (const std::string& tier : tiers) add_tier(all, tier);
  return all;
}

std::string_view suffix_of(MetricUnit unit) {
  switch (unit) {
    case MetricUnit::ms:
      return "ms";
    case MetricUnit::s:
      return "s";
    case MetricUnit::bytes:
      return "bytes";
    case MetricUnit::tokens:
      return "tokens";
    case MetricUnit::tokens_per_s:
      return "tokens_per_s";
    case MetricUnit::per_s:
      return "per_s";
    case MetricUnit::ratio:
      return "ratio";
    case MetricUnit::count:
      break;
  }
  return "";
}

std::string column_of(const Metric& metric) {
  std::string name = metric.name;
  std::replace(name.begin(), name.end(), '.', '_');
  const std::string suffix = fmt::format("_{}", suffix_of(metric.unit));
  return suffix == "_" || name.ends_with(suffix) ? name : name + suffix;
}

std::optional<double> quotient(double part, double whole) {
  if (!(whole > 0) || !std::isfinite(part / whole)) return std::nullopt;
  return part / whole;
}

std::optional<double> per_second(std::int64_t count, Duration duration) {
  return quotient(static_cast<double>(count), seconds(duration));
}

std::optional<double> mean_ms(const Histogram& picoseconds) {
  if (picoseconds.empty()) return std::nullopt;
  return picoseconds.mean() * kMsPerPs;
}

std::optional<double> quantile_ms(const Histogram& picoseconds, double q) {
  if (picoseconds.empty()) return std::nullopt;
  return static_cast<double>(picoseconds.quantile(q)) * kMsPerPs;
}

std::optional<double> hit_ratio(const TierCounters& counters) {
  return quotient(static_cast<double>(counters.hits.count()),
                  static_cast<double>(counters.lookups.count()));
}

std::optional<double> mean_load_ms(const TierCounters& counters) {
  return quotient(seconds(counters.load_time) * 1e3, static_cast<double>(counters.loads));
}

std::optional<double> slo_attainment(const ClientSummary& client) {
  return quotient(static_cast<double>(client.good), static_cast<double>(client.completed));
}

std::optional<double> gpu_busy_ratio(const Summary& summary) {
  const double there = seconds(summary.duration) * static_cast<double>(summary.replicas);
  return quotient(seconds(summary.busy - summary.stalled), there);
}

std::optional<double> prefix_hit_ratio(const Summary& summary) {
  if (summary.tiers.empty()) return std::nullopt;
  Tokens hits;
  for (const TierSummary& tier : summary.tiers) hits += tier.counters.hits;
  // HBM is asked first, and for all.
  return quotient(static_cast<double>(hits.count()),
                  static_cast<double>(summary.tiers.front().counters.lookups.count()));
}

}  // namespace terrace
