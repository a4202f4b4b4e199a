#include "sim/serving/load_rule.hpp"

#include <algorithm>

namespace terrace {
namespace {

/// The end of time if it would be later.
Duration sum(Duration a, Duration b) { return b < Duration::max() - a ? a + b : Duration::max(); }

Tokens longest_chunk(const EngineSpec& spec) {
  if (!spec.enable_chunked_prefill) return Tokens::max();
  const Tokens cap = spec.long_prefill_token_threshold;
  return cap > Tokens{} ? std::min(cap, spec.max_num_batched_tokens) : spec.max_num_batched_tokens;
}

}  // namespace

LoadRule::LoadRule(const EngineSpec& spec, std::int64_t layers, const CostModel& cost,
                   const Hierarchy& hierarchy)
    : decision_(spec.load),
      wait_(spec.load_wait),
      block_size_(spec.block_size),
      chunk_(longest_chunk(spec)),
      layers_(layers),
      cost_(&cost),
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
    if (soonest == Duration::max()) soonest = compute(r, tokens(hits), r.known());
    const std::int64_t end = stretch.to;
    const std::int64_t from =
        decision_ == LoadDecision::hybrid ? split(replica, r, hits, end) : hits;
    if (from == end) continue;
    const Duration load = hierarchy_->expected_load_time(replica, found_, from, end);
    const Duration head = compute(r, tokens(hits), tokens(from));
    const Duration first_token = rest(r, std::max(load, head), tokens(end));
    if (first_token > soonest) continue;
    soonest = first_token;
    best = {from, end};
  }
  return best;
}

/// The steps that compute tokens [from, to) of a request that is alone.
Duration LoadRule::compute(const Request& r, Tokens from, Tokens to) const {
  Duration time{};
  while (from < to) {
    const PrefillChunk chunk{std::min(chunk_, to - from), from};
    from += chunk.fresh;
    time = sum(time, cost_->time({.prefills = {&chunk, 1}, .samples = from == r.known() ? 1 : 0}));
  }
  return time;
}

/// Until its next token, if tokens up to `from` have been loaded when `load` has passed.
Duration LoadRule::rest(const Request& r, Duration load, Tokens from) const {
  if (wait_ != LoadWait::layerwise) return sum(load, compute(r, from, r.known()));
  const Tokens first_chunk = from + std::min(chunk_, r.known() - from);
  const Duration first = compute(r, from, first_chunk);
  return sum(std::max(first, sum(load, first / layers_)), compute(r, first_chunk, r.known()));
}

/// Where in [hits, end) a load of all behind it and the computation of all before it end as nearly
/// together as blocks allow.
std::int64_t LoadRule::split(ReplicaId replica, const Request& r, std::int64_t hits,
                             std::int64_t end) const {
  const auto load = [&](std::int64_t from) {
    return from == end ? Duration{} : hierarchy_->expected_load_time(replica, found_, from, end);
  };
  const auto head = [&](std::int64_t to) { return compute(r, tokens(hits), tokens(to)); };
  std::int64_t low = hits;  // the least split at which the load is no longer the later one
  std::int64_t high = end;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (head(middle) < load(middle)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low > hits && load(low - 1) <= head(low) ? low - 1 : low;
}

}  // namespace terrace
