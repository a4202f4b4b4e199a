#include "sim/report/json.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "sim/metrics/metric.hpp"
#include "sim/metrics/verdict.hpp"
#include "sim/report/miss_report.hpp"

namespace terrace {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<const char*, kTtftParts> kPartKeys = {"queue", "kv_load", "prefill", "other"};
constexpr std::array<const char*, kWaits> kWaitKeys = {"nothing", "budget", "seats", "blocks"};
constexpr std::array<const char*, 3> kRejectionKeys = {"none", "exceeds_kv_capacity",
                                                       "exceeds_max_model_len"};

/// null of nothing.
Json maybe(std::optional<double> value) { return value ? finite(*value) : Json(nullptr); }

Json ms(std::optional<Duration> time) { return time ? Json(seconds(*time) * 1e3) : Json(nullptr); }

/// As vLLM's benchmark names them, the median twice.
void add_latency(Json& out, const std::string& name, const Histogram& h) {
  const auto add = [&](const char* what, std::optional<double> figure) {
    out[what + ("_" + name + "_ms")] = maybe(figure);
  };
  const auto quantile = [&](double q) { return quantile_ms(h, q); };
  add("mean", mean_ms(h));
  add("median", quantile(0.5));
  add("min", quantile(0));
  add("p50", quantile(0.5));
  add("p90", quantile(0.9));
  add("p95", quantile(0.95));
  add("p99", quantile(0.99));
  add("p999", quantile(0.999));
  add("max", quantile(1));
}

void add_counts(Json& out, const ClientSummary& c, Duration duration) {
  const auto rate = [&](std::int64_t count) { return maybe(per_second(count, duration)); };
  out["completed"] = c.completed;
  out["failed"] = c.rejected;
  out["good"] = c.good;
  out["total_input_tokens"] = c.prompt.count();
  out["total_output_tokens"] = c.output.count();
  out["request_throughput"] = rate(c.completed);
  out["request_goodput"] = rate(c.good);
  out["slo_attainment"] = maybe(slo_attainment(c));
  out["input_throughput"] = rate(c.prompt.count());
  out["output_throughput"] = rate(c.output.count());
  out["total_token_throughput"] = rate((c.prompt + c.output).count());
}

Json client_json(const ClientSummary& c, Duration duration) {
  Json out;
  out["name"] = c.name;
  out["ttft_slo_ms"] = ms(c.ttft_slo);
  out["tpot_slo_ms"] = ms(c.tpot_slo);
  add_counts(out, c, duration);
  add_latency(out, "ttft", c.latencies.ttft);
  add_latency(out, "tpot", c.latencies.tpot);
  add_latency(out, "e2el", c.latencies.e2e);
  return out;
}

Json prefetch_json(const TierCounters& c) {
  Json out;
  out["prefetches"] = c.prefetches;
  out["stopped"] = c.prefetches_stopped;
  out["blocks"] = c.prefetched_blocks;
  out["bytes"] = c.prefetched.count();
  out["used_blocks"] = c.prefetch_used;
  out["unused_blocks"] = c.prefetch_unused;
  return out;
}

Json tier_json(const TierSummary& t) {
  const TierCounters& c = t.counters;
  const bool unlimited = t.capacity == Bytes::max();
  const auto capacity = static_cast<double>(unlimited ? 0 : t.capacity.count());
  Json out;
  out["name"] = t.name;
  out["medium"] = t.medium;
  out["capacity_bytes"] = unlimited ? Json(nullptr) : Json(t.capacity.count());
  out["mean_occupied_bytes"] = finite(t.mean_occupied);
  out["peak_occupied_bytes"] = t.peak_occupied.count();
  out["mean_held_bytes"] = finite(t.mean_held);
  out["peak_held_bytes"] = t.peak_held.count();
  out["mean_held_ratio"] = maybe(quotient(t.mean_held, capacity));
  out["requests"] = c.requests;
  out["lookup_tokens"] = c.lookups.count();
  out["hit_tokens"] = c.hits.count();
  out["hit_ratio"] = maybe(hit_ratio(c));
  out["hit_blocks"] = c.hit_blocks;
  out["read_bytes"] = c.read.count();
  out["written_bytes"] = c.written.count();
  out["loads"] = c.loads;
  out["load_time_s"] = seconds(c.load_time);
  out["mean_load_ms"] = maybe(mean_load_ms(c));
  out["writes_skipped"] = c.writes_skipped;
  out["writes_declined"] = c.writes_declined;
  out["writes_dropped"] = c.writes_dropped;
  if (t.prefetches) out["prefetch"] = prefetch_json(c);
  return out;
}

Json link_json(const LinkReport& link) {
  Json out;
  out["name"] = link.name;
  out["bytes"] = link.bytes.count();
  out["transfers"] = link.transfers;
  out["busy_s"] = seconds(link.busy);
  out["utilisation"] = finite(link.utilisation);
  out["queueing_s"] = finite(link.queueing.count());
  out["mean_queueing_ms"] =
      maybe(quotient(link.queueing.count() * 1e3, static_cast<double>(link.transfers)));
  out["peak_transfers"] = link.peak;
  return out;
}

Json verdict_json(const Verdict& verdict) {
  std::string state = name_of(verdict.state);
  std::transform(state.begin(), state.end(), state.begin(),
                 [](char c) { return static_cast<char>(c - 'A' + 'a'); });
  Json out;
  out["state"] = state;
  out["limit"] = verdict.limit;
  out["sentence"] = verdict.sentence;
  return out;
}

void add_engine(Json& out, const Summary& s) {
  out["replicas"] = s.replicas;
  out["preemptions"] = s.preemptions;
  out["recomputed_tokens"] = s.recomputed.count();
  out["steps"] = s.steps;
  out["extrapolated_steps"] = s.extrapolated_steps;
  out["caveats"] = s.caveats;
  out["busy_s"] = seconds(s.busy);
  out["stalled_s"] = seconds(s.stalled);
  out["gpu_busy_ratio"] = maybe(gpu_busy_ratio(s));
  out["queue_early_ms"] = finite(s.queue_early * 1e3);
  out["queue_late_ms"] = finite(s.queue_late * 1e3);
  Json& waits = out["wait_seconds"] = Json::object();
  for (std::size_t i = 0; i < kWaits; ++i) waits[kWaitKeys[i]] = finite(s.wait_seconds[i]);
}

}  // namespace

Json finite(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json to_json(const Summary& s, const ReportHeader& header) {
  Json out;
  out["schema_version"] = kSummarySchemaVersion;
  out["scenario"] = header.scenario;
  out["model_id"] = header.model;
  out["seed"] = header.seed;
  out["complete"] = s.complete;
  out["duration"] = seconds(s.duration);
  out["came"] = s.came;
  out["unfinished"] = s.unfinished;
  add_counts(out, s.all, s.duration);
  add_latency(out, "ttft", s.all.latencies.ttft);
  add_latency(out, "tpot", s.all.latencies.tpot);
  add_latency(out, "itl", s.all.latencies.itl);
  add_latency(out, "e2el", s.all.latencies.e2e);

  Json& parts = out["ttft_breakdown_ms"] = Json::object();
  for (std::size_t i = 0; i < kTtftParts; ++i) {
    parts[kPartKeys[i]] = s.all.completed > 0 ? finite(s.ttft_parts[i] * 1e3) : Json(nullptr);
  }
  Json& rejections = out["rejections"] = Json::object();
  for (std::size_t i = 1; i < kRejectionKeys.size(); ++i) {
    rejections[kRejectionKeys[i]] = i < s.rejections.size() ? s.rejections[i] : 0;
  }
  add_engine(out, s);

  Json& clients = out["clients"] = Json::array();
  for (const ClientSummary& c : s.clients) clients.push_back(client_json(c, s.duration));
  Json& tiers = out["tiers"] = Json::array();
  for (const TierSummary& t : s.tiers) tiers.push_back(tier_json(t));
  Json& links = out["links"] = Json::array();
  for (const LinkReport& link : s.links) links.push_back(link_json(link));
  if (s.misses) out["misses"] = miss_json(make_miss_report(*s.misses));
  out["verdict"] = verdict_json(s.verdict);
  return out;
}

std::string json_text(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string json_text(const Summary& summary, const ReportHeader& header) {
  return json_text(to_json(summary, header));
}

}  // namespace terrace
