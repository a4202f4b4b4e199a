#include "sim/serving/prefetcher.hpp"

#include <algorithm>

namespace terrace {

Prefetcher::Prefetcher(ReplicaId replica, Tokens block, RequestTable& requests,
                       Hierarchy& hierarchy)
    : replica_(replica), block_(block.count()), requests_(requests), hierarchy_(hierarchy) {
  const std::vector<Tier>& tiers = hierarchy.tiers();
  for (std::size_t t = 0; t < tiers.size(); ++t) {
    const PrefetchSpec& spec = tiers[t].spec.prefetch;
    any_ = any_ || spec.enabled();
    if (spec.enabled()) {
      (spec.policy == PrefetchPolicy::on_arrival ? on_arrival_ : others_).push_back(t);
    }
    if (spec.policy != PrefetchPolicy::queue) continue;
    const Tier& dram = tiers[hierarchy.prefetches().target(t)];
    const std::uint32_t part = dram.part_of[replica.index()];
    Window& window = windows_.emplace_back();
    window.tier = t;
    window.requests = spec.window.value_or(0);
    // Replicas that share the DRAM share it evenly.
    window.blocks = dram.parts[part].pool.capacity() * dram.ratio /
                    std::count(dram.part_of.begin(), dram.part_of.end(), part);
  }
}

std::vector<ContentId> Prefetcher::wanted(std::size_t tier, RequestId id) const {
  const Request& r = requests_[id];
  // As in Scheduler::admit_next, one token is left to compute.
  return hierarchy_.to_prefetch(tier, replica_, r.contents, (r.known().count() - 1) / block_);
}

/// Returns whether anything moves, or is going to.
bool Prefetcher::begin(std::size_t tier, RequestId id) {
  Prefetches& prefetches = hierarchy_.prefetches();
  return prefetches.under_way(prefetches.begin(tier, replica_, id, wanted(tier, id)));
}

bool Prefetcher::arrived(const Queued& place) {
  if (!any_) return true;
  const RequestId id = place.request;
  Prefetches& prefetches = hierarchy_.prefetches();
  bool free = true;
  for (const std::size_t t : on_arrival_) {
    const PrefetchSpec& spec = hierarchy_.tiers()[t].spec.prefetch;
    std::vector<ContentId> blocks = wanted(t, id);
    const Tokens tokens{static_cast<std::int64_t>(blocks.size()) * hierarchy_.tiers()[t].ratio *
                        block_};
    if (tokens < spec.min_tokens) continue;
    if (!prefetches.under_way(prefetches.begin(t, replica_, id, std::move(blocks)))) continue;
    if (spec.stop == PrefetchStop::best_effort) continue;
    free = false;
    gates_.insert({id, static_cast<std::uint32_t>(t)});
    if (spec.stop == PrefetchStop::timeout) {
      prefetches.remind(id, static_cast<std::uint32_t>(requests_[id].number), t,
                        spec.timeout(tokens));
    }
  }
  if (!free) ++kept_;
  queued(place);
  return free;
}

void Prefetcher::queued(const Queued& place) {
  for (Window& window : windows_) window.upcoming.insert(place);
}

bool Prefetcher::holds_back(RequestId id) {
  bool back = false;
  for (const std::size_t t : others_) {
    if (!hierarchy_.prefetches().wind_up(id, t)) continue;
    gates_.insert({id, static_cast<std::uint32_t>(t)});
    back = true;
  }
  if (back) ++kept_;
  return back;
}

void Prefetcher::admitted(const Queued& place) {
  if (!any_) return;
  hierarchy_.prefetches().stop(place.request);
  for (Window& window : windows_) {
    window.upcoming.erase(place);
    if (window.begun.erase(place) > 0) window.begun_blocks -= size(place.request);
    if (window.moving == place.request) window.moving = RequestId::none();
  }
}

bool Prefetcher::lets_go(const PrefetchDone& event) {
  for (Window& window : windows_) {
    if (window.tier != event.tier || window.moving != event.request) continue;
    window.moving = RequestId::none();
    advance(window);
  }
  return open_gate(event.request, event.tier);
}

bool Prefetcher::lets_go(const PrefetchTimeout& event) {
  if (static_cast<std::uint32_t>(requests_[event.request].number) != event.stamp) return false;
  return open_gate(event.request, event.tier);
}

bool Prefetcher::open_gate(RequestId id, std::uint32_t tier) {
  if (gates_.erase({id, tier}) == 0) return false;
  const auto other = gates_.lower_bound({id, 0});
  if (other != gates_.end() && other->first == id) return false;
  --kept_;
  return true;
}

// --- look-ahead ----------------------------------------------------------------------------------

/// What the whole KV of a request in the queue takes.
std::int64_t Prefetcher::size(RequestId id) const { return requests_[id].known().count() / block_; }

/// Whether the first request that is not begun fits behind all that are before it in the queue.
bool Prefetcher::holds(const Window& window, const Queued& place) const {
  auto requests = static_cast<std::int64_t>(window.begun.size());
  std::int64_t blocks = window.begun_blocks;
  for (auto i = window.begun.rbegin(); i != window.begun.rend() && place < *i; ++i) {
    --requests;
    blocks -= size(i->request);
  }
  if (window.requests > 0) return requests < window.requests;
  return blocks + size(place.request) <= window.blocks;
}

void Prefetcher::advance(Window& window) {
  while (window.moving == RequestId::none() && !window.upcoming.empty()) {
    const Queued next = *window.upcoming.begin();
    if (!holds(window, next)) return;
    window.upcoming.erase(window.upcoming.begin());
    window.begun.insert(next);
    window.begun_blocks += size(next.request);
    if (begin(window.tier, next.request)) window.moving = next.request;
  }
}

}  // namespace terrace
