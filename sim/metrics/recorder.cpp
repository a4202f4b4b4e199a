#include "sim/metrics/recorder.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/kv/fates.hpp"
#include "sim/kv/hierarchy.hpp"
#include "sim/metrics/outcome.hpp"
#include "sim/metrics/verdict.hpp"
#include "sim/serving/cluster.hpp"

namespace terrace {
namespace {

constexpr std::size_t kRejections = 1 + static_cast<std::size_t>(Rejection::exceeds_max_model_len);

bool meets_slo(const ClientSummary& client, const Outcome& outcome) {
  if (client.ttft_slo && outcome.ttft > *client.ttft_slo) return false;
  return !client.tpot_slo || !outcome.tpot || *outcome.tpot <= *client.tpot_slo;
}

double over(Histogram::Sum sum, double count) {
  return count > 0 ? static_cast<double>(sum) / count : 0;
}

std::string name_of(Medium medium) { return config::Scalar<Medium>::format(medium); }

/// Links on the way from a memory to the one below it, or below that, but on no way up to HBM.
std::vector<bool> writes_only(const Hierarchy& hierarchy, const Fabric& fabric, std::size_t links) {
  const Topology& topology = fabric.topology();
  std::vector<bool> only(links, false);
  const auto mark = [&](MemoryId from, MemoryId to, bool value) {
    if (!topology.reachable(from, to)) return;
    for (const LinkId link : topology.route(from, to)) only[link.index()] = value;
  };
  const auto every_pair = [&](auto visit) {
    for (std::size_t r = 0; r < hierarchy.hbm_parts().size(); ++r) {
      std::vector<MemoryId> above = {hierarchy.hbm_parts()[r].memory};
      for (const Tier& tier : hierarchy.tiers()) {
        const MemoryId memory = tier.part(ReplicaId{r}).memory;
        visit(above, memory);
        above.push_back(memory);
      }
    }
  };
  every_pair([&](const std::vector<MemoryId>& above, MemoryId memory) {
    for (const MemoryId upper : above) mark(upper, memory, true);
  });
  every_pair([&](const std::vector<MemoryId>& above, MemoryId memory) {
    mark(memory, above.front(), false);
  });
  return only;
}

}  // namespace

void Recorder::on_start(const RunView& view) {
  fabric_ = &view.fabric;
  hierarchy_ = &view.hierarchy;
  cost_ = &view.cost;
  cluster_ = &view.cluster;
  fates_ = view.fates;

  books_.rejections.assign(kRejections, 0);
  books_.replicas = static_cast<std::int64_t>(hierarchy_->hbm_parts().size());
  for (const Client& client : view.clients) {
    ClientSummary& books = books_.clients.emplace_back();
    books.name = client.name;
    books.ttft_slo = client.ttft_slo;
    books.tpot_slo = client.tpot_slo;
  }

  for (const HbmPart& part : hierarchy_->hbm_parts()) pools_.emplace_back(part.pool);
  below_.resize(pools_.size());
  for (const Tier& tier : hierarchy_->tiers()) {
    for (std::size_t r = 0; r < below_.size(); ++r) {
      below_[r].push_back(pools_.size() + tier.part_of[r]);
    }
    for (const TierPart& part : tier.parts) pools_.emplace_back(part.pool);
  }
}

void Recorder::on_step(const StepRecord& step) {
  const Duration length = step.end - step.start;
  ++books_.steps;
  books_.extrapolated_steps += step.extrapolated ? 1 : 0;
  books_.busy += length;
  books_.stalled += step.stall;
  waits_[static_cast<std::size_t>(step.plan.wait)] += length;
  preempted_in_steps_ += static_cast<std::int64_t>(step.plan.preempted.size());

  const StepOutcome& outcome = step.outcome;
  if (outcome.regular_gaps > 0) itl_.add(outcome.regular_gap.count(), outcome.regular_gaps);
  for (const Duration gap : outcome.other_gaps) itl_.add(gap.count());

  const std::size_t replica = step.replica.index();
  pools_[replica].look(step.start, step.end);
  for (const std::size_t pool : below_[replica]) pools_[pool].look(step.start, step.end);
}

void Recorder::on_left(const Request& request, SimTime now) {
  last_left_ = now;
  ClientSummary& client = books_.clients[request.client];
  if (request.rejection != Rejection::none) {
    ++client.rejected;
    ++books_.rejections[static_cast<std::size_t>(request.rejection)];
    return;
  }
  const Outcome outcome = outcome_of(request, now);
  ++client.completed;
  client.good += meets_slo(client, outcome) ? 1 : 0;
  client.prompt += request.prompt;
  client.output += request.output;
  client.latencies.ttft.add(outcome.ttft.count());
  client.latencies.e2e.add(outcome.e2e.count());
  if (outcome.tpot) client.latencies.tpot.add(outcome.tpot->count());

  for (std::size_t i = 0; i < kTtftParts; ++i) ttft_parts_[i] += request.ttft_parts[i].count();
  trend_.add(request.number, request.ttft_parts[static_cast<std::size_t>(TtftPart::queue)] +
                                 request.ttft_parts[static_cast<std::size_t>(TtftPart::kv_load)]);
  books_.preemptions += request.preemptions;
  books_.recomputed += request.recomputed;
}

void Recorder::on_end(SimTime now) {
  for (Occupancy& pool : pools_) pool.look(now, now);
  books_.caveats = cost_->caveats();
  books_.tiers.clear();
  TierSummary hbm;
  hbm.name = "hbm";
  hbm.medium = "hbm";
  hbm.counters = hierarchy_->hbm_counters();
  add_level(std::move(hbm), 0, below_.size(), 1, now);
  std::size_t first = below_.size();
  for (const Tier& tier : hierarchy_->tiers()) {
    TierSummary level;
    level.name = tier.spec.name;
    level.medium = name_of(tier.spec.medium);
    level.prefetches = tier.spec.prefetch.enabled();
    level.counters = tier.counters;
    add_level(std::move(level), first, tier.parts.size(), tier.ratio, now);
    first += tier.parts.size();
  }
  books_.links = fabric_->report(now);
  books_.writes_only = writes_only(*hierarchy_, *fabric_, books_.links.size());
  if (fates_ != nullptr) books_.misses = fates_->misses();
  books_.unfinished = 0;
  for (const Replica& replica : cluster_->all()) {
    books_.unfinished += replica.scheduler().requests();
  }
  books_.duration = now.time_since_epoch();
}

/// Sums up the `pools` from `first_pool` on, whose blocks are `ratio` engine blocks long.
void Recorder::add_level(TierSummary level, std::size_t first_pool, std::size_t pools,
                         std::int64_t ratio, SimTime now) {
  const Bytes block = block_bytes_ * ratio;
  Histogram::Sum occupied = 0;
  Histogram::Sum held = 0;
  for (std::size_t i = first_pool; i < first_pool + pools; ++i) {
    const BlockPool& pool = pools_[i].pool();
    const bool unlimited = pool.capacity() == BlockPool::kUnlimited;
    level.capacity = unlimited ? Bytes::max() : level.capacity + block * pool.capacity();
    level.peak_occupied += block * pool.peak_occupied();
    level.peak_held += block * pool.peak_held();
    occupied += pools_[i].occupied();
    held += pools_[i].held();
  }
  const auto time = static_cast<double>(now.time_since_epoch().count());
  const auto bytes = static_cast<double>(block.count());
  level.mean_occupied = over(occupied, time) * bytes;
  level.mean_held = over(held, time) * bytes;
  books_.tiers.push_back(std::move(level));
}

Summary Recorder::summary(bool complete) const {
  TERRACE_CHECK(!books_.tiers.empty());
  Summary s = books_;
  s.complete = complete;
  if (complete) s.duration = last_left_.time_since_epoch();
  s.all.name = "all";
  for (const ClientSummary& client : s.clients) {
    s.all.completed += client.completed;
    s.all.rejected += client.rejected;
    s.all.good += client.good;
    s.all.prompt += client.prompt;
    s.all.output += client.output;
    s.all.latencies.ttft.merge(client.latencies.ttft);
    s.all.latencies.tpot.merge(client.latencies.tpot);
    s.all.latencies.e2e.merge(client.latencies.e2e);
  }
  s.all.latencies.itl = itl_;
  s.came = s.all.completed + s.all.rejected + s.unfinished;
  // Requests know all their preemptions, but tell them only when they leave.
  s.preemptions = std::max(s.preemptions, preempted_in_steps_);
  for (std::size_t i = 0; i < kTtftParts; ++i) {
    s.ttft_parts[i] = over(ttft_parts_[i], static_cast<double>(s.all.completed)) * 1e-12;
  }
  s.queue_early = trend_.early();
  s.queue_late = trend_.late();
  for (std::size_t i = 0; i < kWaits; ++i) s.wait_seconds[i] = seconds(waits_[i]);
  s.verdict = judge(s);
  return s;
}

}  // namespace terrace
