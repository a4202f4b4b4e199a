#include "sim/metrics/timeseries.hpp"

#include <cstddef>

#include "sim/kv/hierarchy.hpp"
#include "sim/serving/cluster.hpp"

namespace terrace {

void Sampler::on_start(const RunView& view) {
  hierarchy_ = &view.hierarchy;
  cluster_ = &view.cluster;
  so_far_.resize(hierarchy_->hbm_parts().size());
  tier_occupied_.resize(hierarchy_->tiers().size());
}

void Sampler::on_step(const StepRecord& step) {
  SoFar& so_far = so_far_[step.replica.index()];
  so_far.output_tokens += step.outcome.tokens;
  so_far.preemptions += static_cast<std::int64_t>(step.plan.preempted.size());
  so_far.busy += step.end - step.start;
}

void Sampler::on_left(const Request& request, SimTime) {
  if (request.rejection == Rejection::none) ++so_far_[request.replica.index()].completed;
}

void Sampler::on_sample(SimTime now) {
  last_ = now;
  const std::vector<Tier>& tiers = hierarchy_->tiers();
  const auto occupied = [&](const Tier& tier, const TierPart& part) {
    return block_bytes_ * (tier.ratio * part.pool.occupied_blocks());
  };
  Sample all;
  all.at = now;
  for (std::size_t r = 0; r < so_far_.size(); ++r) {
    const Scheduler& scheduler = cluster_->all()[r].scheduler();
    const BlockPool& hbm = hierarchy_->hbm_parts()[r].pool;
    Sample s;
    s.at = now;
    s.replica = ReplicaId{r};
    s.running = scheduler.running();
    s.waiting = static_cast<std::int64_t>(scheduler.waiting());
    s.loading = static_cast<std::int64_t>(scheduler.loading());
    s.held_blocks = hbm.held_blocks();
    s.occupied_blocks = hbm.occupied_blocks();
    s.completed = so_far_[r].completed;
    s.output_tokens = so_far_[r].output_tokens;
    s.preemptions = so_far_[r].preemptions;
    s.busy = so_far_[r].busy;
    for (std::size_t t = 0; t < tiers.size(); ++t) {
      tier_occupied_[t] = occupied(tiers[t], tiers[t].part(ReplicaId{r}));
    }
    s.tier_occupied = tier_occupied_;
    sink_(s);

    all.running += s.running;
    all.waiting += s.waiting;
    all.loading += s.loading;
    all.held_blocks += s.held_blocks;
    all.occupied_blocks += s.occupied_blocks;
    all.completed += s.completed;
    all.output_tokens += s.output_tokens;
    all.preemptions += s.preemptions;
    all.busy += s.busy;
  }
  for (std::size_t t = 0; t < tiers.size(); ++t) {
    tier_occupied_[t] = Bytes{};
    for (const TierPart& part : tiers[t].parts) tier_occupied_[t] += occupied(tiers[t], part);
  }
  all.tier_occupied = tier_occupied_;
  sink_(all);
}

void Sampler::on_end(SimTime now) {
  if (now != last_) on_sample(now);
}

}  // namespace terrace
