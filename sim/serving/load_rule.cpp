#include "sim/serving/load_rule.hpp"

#include <algorithm>

namespace terrace {

LoadRule::LoadRule(const EngineSpec& spec, std::int64_t layers, const CostModel& cost,
                   const Hierarchy& hierarchy)
    : decision_(spec.load),
      wait_(spec.load_wait),
      block_size_(spec.block_size),
      time_(spec, layers, cost),
      hierarchy_(&hierarchy) {}

LoadPlan LoadRule::choose(ReplicaId replica, const Request& r, std::int64_t hits,
                          std::int64_t limit) {
  LoadPlan best{hits, hits};
  if (!hierarchy_->has_tiers() || decision_ == LoadDecision::never) return best;
  if (decision_ == LoadDecision::always) {
    best.to += hierarchy_->look_below(replica, r.contents, hits, limit);
    return best;
  }
  hierarchy_->find_below(replica, r.contents, hits, limit, found_);
  Duration soonest = Duration::max();
  for (const Stretch& stretch : found_) {
    if (soonest == Duration::max()) soonest = time_.compute(r.known(), tokens(hits), r.known());
    const std::int64_t end = stretch.to;
    const std::int64_t from =
        decision_ == LoadDecision::hybrid ? split(replica, r, hits, end) : hits;
    if (from == end) continue;
    const Duration load = hierarchy_->expected_load_time(replica, found_, from, end);
    const Duration head = time_.compute(r.known(), tokens(hits), tokens(from));
    const Duration first_token =
        time_.after_load(wait_, r.known(), std::max(load, head), tokens(end));
    if (first_token > soonest) continue;
    soonest = first_token;
    best = {from, end};
  }
  return best;
}

/// Where in [hits, end) a load of all behind it and the computation of all before it end as nearly
/// together as blocks allow.
std::int64_t LoadRule::split(ReplicaId replica, const Request& r, std::int64_t hits,
                             std::int64_t end) const {
  const auto load = [&](std::int64_t from) {
    return from == end ? Duration{} : hierarchy_->expected_load_time(replica, found_, from, end);
  };
  const auto head = [&](std::int64_t to) {
    return time_.compute(r.known(), tokens(hits), tokens(to));
  };
  return even_split(hits, end, head, load);
}

std::int64_t even_split(std::int64_t first, std::int64_t end,
                        FunctionRef<Duration(std::int64_t)> head,
                        FunctionRef<Duration(std::int64_t)> load) {
  std::int64_t low = first;  // the least split at which the load is no longer the later one
  std::int64_t high = end;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (head(middle) < load(middle)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low > first && load(low - 1) <= head(low) ? low - 1 : low;
}

}  // namespace terrace
