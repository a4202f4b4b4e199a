#include "sim/study/plan/judged_run.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "sim/fabric/wear.hpp"
#include "sim/metrics/metric.hpp"
#include "sim/study/load/trial.hpp"
#include "sim/study/plan/node_watch.hpp"

namespace terrace {
namespace {

constexpr double kBusiestDrive = 0.7;  // beyond that, commands queue (hardware notes: SSD model)

std::string in_ms(double seconds) { return fmt::format("{:.4g} ms", seconds * 1e3); }

/// Sums over links of one kind.
struct LinkUse {
  double busy = 0;  // seconds
  double bytes = 0;
  double number = 0;
  double utilisation = 0;

  void add(const LinkReport& link) {
    busy += seconds(link.busy);
    bytes += static_cast<double>(link.bytes.count());
    utilisation += link.utilisation;
    ++number;
  }
  [[nodiscard]] double mean() const { return number > 0 ? utilisation / number : 0; }
};

LinkUse of_kind(const Summary& summary, std::initializer_list<std::string_view> endings) {
  LinkUse use;
  for (const LinkReport& link : summary.links) {
    for (const std::string_view ending : endings) {
      if (link.name.ends_with(ending)) use.add(link);
    }
  }
  return use;
}

/// Numbers by name, as a store keeps them.
class Numbers {
 public:
  explicit Numbers(const Findings& found) : found_(found) {}

  [[nodiscard]] std::optional<double> maybe(std::string_view name) const {
    for (const auto& [known, value] : found_.metrics) {
      if (known == name) return value;
    }
    return {};
  }
  [[nodiscard]] double operator[](std::string_view name) const { return maybe(name).value_or(0); }

 private:
  const Findings& found_;
};

std::string value_of(const SloBound& bound) { return "value." + bound.name(); }
std::string met(const SloBound& bound) { return "met." + bound.name(); }

/// What a fleet did, summed over it and over the run; rates are made of it by the requests that
/// came, because a run goes on when no more come.
void add_totals(Findings& found, const Summary& s, const NodeWatch& watch) {
  const auto add = [&](const char* name, double value) { found.metrics.emplace_back(name, value); };
  const auto count = [](Tokens tokens) { return static_cast<double>(tokens.count()); };
  double cached = 0;
  for (const TierSummary& tier : s.tiers) cached += count(tier.counters.hits);
  const TierSummary& hbm = s.tiers.front();
  add("requests", static_cast<double>(s.came));
  add("prompt_tokens", count(watch.prompt_tokens()));
  add("cached_tokens", cached);
  add("output_tokens", count(s.all.output));
  add("busy_seconds", seconds(s.busy - s.stalled));
  add("prefill_share", watch.prefill_share());
  add("prefix_hit_ratio", prefix_hit_ratio(s).value_or(0));
  add("used.hbm", hbm.mean_held / static_cast<double>(hbm.capacity.count()));
  add("used.host_links", of_kind(s, {".h2d", ".d2h"}).mean());
  add("used.dram", of_kind(s, {".dram"}).mean());
  add("used.network", of_kind(s, {".nic.rx", ".nic.tx"}).mean());
  const LinkUse drives = of_kind(s, {".nvme"});
  add("used.drives", drives.mean());
  add("drive_seconds", drives.busy);
  add("drive_writes", of_kind(s, {".nvme.write"}).bytes);
  Bytes peak;
  for (const TierSummary& tier : s.tiers) {
    if (tier.medium == "nvme") peak += tier.peak_occupied;
  }
  add("drive_peak", static_cast<double>(peak.count()));
}

std::int64_t drives_for(double need, double each) {
  return static_cast<std::int64_t>(std::ceil(need / each - 1e-9));
}

/// Each need by itself, from what the drives of a node did: with all nodes that are needed at work,
/// but wearing as they do with the spare ones there.
DriveNeed drive_need(const Plan& plan, const Candidate& candidate, std::int64_t nodes,
                     double peak_bytes, const NodeUse& use) {
  if (candidate.drives == 0) return {};
  const SsdSpec& ssd = *candidate.scenario.hardware.ssd;
  const double holds = static_cast<double>(ssd.capacity.count()) * plan.spec.shares.drives;
  const NodeUse usual = use.spread(nodes, nodes + plan.spec.limits.spare_nodes);
  const WearLoad all_day{.writes = usual.drive_writes * plan.spec.demand.mean_load};
  return {.by_capacity = drives_for(peak_bytes, holds),
          .by_bandwidth =
              drives_for(use.drive_busy * static_cast<double>(candidate.drives), kBusiestDrive),
          .by_endurance =
              drives_for(plan.spec.economics.drive_life.count(), life_of(ssd, all_day).count())};
}

}  // namespace

std::string name_of_trials(std::span<const SloBound> bounds, bool whole) {
  std::string name = whole ? "whole plan" : "plan";
  for (const SloBound& bound : bounds) {
    name += fmt::format(" {}={}", bound.name(), bound.limit.count());
  }
  return name;
}

Experiment trials(std::span<const SloBound> bounds, bool whole) {
  return [bounds, whole](const Scenario& scenario,
                         const std::stop_token& stop) -> std::optional<Findings> {
    NodeWatch watch;
    TrialOptions options;
    options.observers = {&watch};
    options.cut_short = !whole;
    options.proceed = [&] { return !stop.stop_requested(); };
    const auto trial = attempt(scenario, bounds, options);
    if (!trial) return std::nullopt;
    Findings found;
    found.limit = trial->summary.verdict.limit;
    const auto add = [&](std::string name, std::optional<double> value) {
      found.metrics.emplace_back(std::move(name), value);
    };
    add("passes", trial->passes() ? 1 : 0);
    add("cut_short", trial->cut_short ? 1 : 0);
    add("keeps_up", trial->keeps_up ? 1 : 0);
    for (std::size_t b = 0; b < bounds.size(); ++b) {
      const Judged& judged = trial->judged[b];
      add(met(bounds[b]), judged.met ? 1 : 0);
      add(value_of(bounds[b]), judged.value ? std::optional(seconds(*judged.value)) : std::nullopt);
    }
    if (trial->cut_short) {
      add("lost", static_cast<double>(trial->lost));
      return found;
    }
    add("offered", trial->offered.count());
    add("judged", static_cast<double>(trial->requests));
    add("concurrency", trial->concurrency);
    add_totals(found, trial->summary, watch);
    return found;
  };
}

bool passes(const Findings& found) { return Numbers(found)["passes"] == 1; }

Shortfall shortfall(const Findings& found, std::span<const SloBound> bounds) {
  const Numbers numbers(found);
  constexpr double kUnknown = std::numeric_limits<double>::infinity();
  if (numbers["cut_short"] == 1) {
    const SloBound& bound = bounds[static_cast<std::size_t>(numbers["lost"])];
    return {fmt::format("{} is more than {}", bound.name(), in_ms(seconds(bound.limit))), kUnknown};
  }
  Shortfall worst{"requests wait longer and longer", kUnknown};
  double most = 0;
  for (const SloBound& bound : bounds) {
    const auto value = numbers.maybe(value_of(bound));
    if (numbers[met(bound)] == 1 || !value) continue;
    const double excess = *value / seconds(bound.limit);
    if (excess <= most) continue;
    most = excess;
    worst = {
        fmt::format("{} is {}, not {}", bound.name(), in_ms(*value), in_ms(seconds(bound.limit))),
        excess};
  }
  return worst;
}

Performance performance(const Plan& plan, const Candidate& candidate, std::int64_t nodes,
                        const Findings& found) {
  const Numbers n(found);
  Performance p;
  for (const SloBound& bound : plan.bounds) {
    const auto value = n.maybe(value_of(bound));
    p.slo.push_back(value ? std::optional(duration_from_seconds(*value)) : std::nullopt);
  }
  const double per_second = n["requests"] > 0 ? n["offered"] / n["requests"] : 0;
  const auto of_node = [&](std::string_view name) {
    return n[name] * per_second / static_cast<double>(nodes);
  };
  p.requests_per_second = n["offered"];
  p.prompt_tokens_per_second = n["prompt_tokens"] * per_second;
  p.cached_tokens_per_second = n["cached_tokens"] * per_second;
  p.output_tokens_per_second = n["output_tokens"] * per_second;
  p.prefill_share = n["prefill_share"];
  p.prefix_hit_ratio = n["prefix_hit_ratio"];
  p.used = {n["used.hbm"], n["used.host_links"], n["used.dram"], n["used.drives"],
            n["used.network"]};
  const auto replicas = static_cast<double>(candidate.scenario.serving.replicas);
  p.use = {.gpu_busy = std::min(of_node("busy_seconds") / replicas, 1.0),
           .drive_busy = std::min(of_node("drive_seconds"), 1.0),
           .drive_writes = Bandwidth{of_node("drive_writes")}};
  p.drives =
      drive_need(plan, candidate, nodes, n["drive_peak"] / static_cast<double>(nodes), p.use);
  p.limit = found.limit;
  p.turnovers = n["concurrency"] > 0 ? n["judged"] / n["concurrency"] : n["judged"];
  return p;
}

}  // namespace terrace
