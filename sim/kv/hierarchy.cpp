#include "sim/kv/hierarchy.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"

namespace terrace {

Hierarchy::Hierarchy(EventLoop& loop, Fabric& fabric, const ContentTable& contents,
                     std::vector<HbmPart> hbm, std::vector<Tier> tiers, BlockTraffic traffic,
                     ContentLedger& ledger)
    : ledger_(ledger), m_{loop, fabric, contents, std::move(hbm), std::move(tiers), traffic, {}} {}

// --- up ------------------------------------------------------------------------------------------

std::size_t Hierarchy::nearest_with(ReplicaId replica, std::span<const ContentId> sequence,
                                    std::int64_t position) const {
  for (std::size_t t = 0; t < m_.tiers.size(); ++t) {
    const Tier& tier = m_.tiers[t];
    const auto end = static_cast<std::size_t>(tier.block_end(position));
    if (end > sequence.size()) continue;
    const BlockPool& pool = tier.part(replica).pool;
    const BlockId block = pool.find(sequence[end - 1]);
    if (block == BlockId::none()) continue;
    if (pool.readable(block)) return t;
    if (pool.prefetched(block)) break;  // on its way up: it is not sent twice
  }
  return m_.tiers.size();
}

std::int64_t Hierarchy::look_below(ReplicaId replica, std::span<const ContentId> sequence,
                                   std::int64_t from, std::int64_t limit) const {
  std::int64_t at = from;
  while (at < from + limit) {
    const std::size_t t = nearest_with(replica, sequence, at);
    if (t == m_.tiers.size()) break;
    at = m_.tiers[t].block_end(at);
  }
  return std::min(at - from, limit);
}

void Hierarchy::find_below(ReplicaId replica, std::span<const ContentId> sequence,
                           std::int64_t from, std::int64_t limit,
                           std::vector<Stretch>& found) const {
  found.clear();
  for (std::int64_t at = from; at < from + limit;) {
    const std::size_t t = nearest_with(replica, sequence, at);
    if (t == m_.tiers.size()) break;
    const std::int64_t end = std::min(m_.tiers[t].block_end(at), from + limit);
    if (found.empty() || found.back().tier != t) found.push_back({t, at, at});
    found.back().to = at = end;
  }
}

/// The transfer that brings so many engine blocks out of so many blocks of a tier.
Move Hierarchy::move_up(ReplicaId replica, std::size_t tier, std::int64_t blocks,
                        std::int64_t tier_blocks) const {
  return {m_.tiers[tier].part(replica).memory, m_.hbm[replica.index()].memory,
          m_.traffic.cargo(blocks, tier_blocks)};
}

Duration Hierarchy::expected_load_time(ReplicaId replica, std::span<const Stretch> found,
                                       std::int64_t from, std::int64_t to) const {
  std::vector<std::int64_t> blocks(m_.tiers.size());
  std::vector<std::int64_t> tier_blocks(m_.tiers.size());
  for (const Stretch& stretch : found) {
    const std::int64_t first = std::max(stretch.from, from);
    const std::int64_t end = std::min(stretch.to, to);
    if (first >= end) continue;
    const std::int64_t ratio = m_.tiers[stretch.tier].ratio;
    blocks[stretch.tier] += end - first;
    tier_blocks[stretch.tier] += (end - 1) / ratio - first / ratio + 1;
  }
  std::vector<Move> moves;
  for (std::size_t t = 0; t < m_.tiers.size(); ++t) {
    if (blocks[t] > 0) moves.push_back(move_up(replica, t, blocks[t], tier_blocks[t]));
  }
  return m_.fabric.expected_time(moves);
}

std::vector<ContentId> Hierarchy::to_prefetch(std::size_t source, ReplicaId replica,
                                              std::span<const ContentId> sequence,
                                              std::int64_t limit) const {
  std::vector<ContentId> wanted;
  const BlockPool& hbm = m_.hbm[replica.index()].pool;
  std::int64_t at = 0;
  while (at < limit && hbm.find(sequence[static_cast<std::size_t>(at)]) != BlockId::none()) ++at;
  const Tier& target = m_.tiers[prefetches_.target(source)];
  const BlockPool& there = target.part(replica).pool;
  while (at < limit) {
    const auto end_there = static_cast<std::size_t>(target.block_end(at));
    const BlockId coming =
        end_there <= sequence.size() ? there.find(sequence[end_there - 1]) : BlockId::none();
    std::size_t t = nearest_with(replica, sequence, at);
    if (coming != BlockId::none() && !there.readable(coming) && there.prefetched(coming)) {
      t = source;
    }
    if (t > source) break;
    const std::int64_t end = m_.tiers[t].block_end(at);
    if (end > static_cast<std::int64_t>(sequence.size())) break;
    if (t == source) wanted.push_back(sequence[static_cast<std::size_t>(end - 1)]);
    at = end;
  }
  return wanted;
}

void Hierarchy::count_lookup(ReplicaId replica, std::span<const ContentId> sequence, Tokens lookups,
                             std::int64_t hits, std::int64_t from, std::int64_t to) {
  if (m_.watch != nullptr) m_.watch->looked_up(m_, replica, sequence, lookups, hits, from, to);
  const std::int64_t block = m_.contents.block_size().count();
  ++hbm_counters_.requests;
  hbm_counters_.lookups += lookups;
  hbm_counters_.hits += Tokens{hits * block};
  hbm_counters_.hit_blocks += hits;
  if (!has_tiers()) return;

  Tokens missing = lookups - Tokens{hits * block};
  std::vector<std::int64_t> served(m_.tiers.size());
  for (std::int64_t at = from; at < to;) {
    const std::size_t t = nearest_with(replica, sequence, at);
    const std::int64_t next = std::min(m_.tiers[t].block_end(at), to);
    served[t] += next - at;
    at = next;
  }
  for (std::size_t t = 0; t < m_.tiers.size(); ++t) {
    Tier& tier = m_.tiers[t];
    ++tier.counters.requests;
    tier.counters.lookups += missing;
    tier.counters.hits += Tokens{served[t] * block};
    tier.counters.hit_blocks += served[t];
    missing -= Tokens{served[t] * block};

    BlockPool& pool = tier.part(replica).pool;
    const auto ratio = static_cast<std::size_t>(tier.ratio);
    for (std::size_t end = sequence.size() / ratio * ratio; end > 0; end -= ratio) {
      const BlockId found = pool.find(sequence[end - 1]);
      if (found != BlockId::none()) pool.touch(found);
    }
  }
}

void Hierarchy::load(ReplicaId replica, RequestId request, std::span<const ContentId> sequence,
                     std::int64_t from, std::int64_t to) {
  std::uint32_t index = 0;
  if (free_loads_.empty()) {
    index = static_cast<std::uint32_t>(loads_.size());
    loads_.emplace_back();
  } else {
    index = free_loads_.back();
    free_loads_.pop_back();
  }
  Load& load = loads_[index];
  load = {
      replica, request, 0, m_.loop.now(), from, std::move(load.contents), std::move(load.sources)};
  const auto wanted = sequence.subspan(static_cast<std::size_t>(from));
  load.contents.assign(wanted.begin(), wanted.begin() + (to - from));
  load.sources.clear();

  std::vector<std::int64_t> blocks(m_.tiers.size());
  std::vector<std::int64_t> extents(m_.tiers.size());
  for (std::int64_t at = from; at < to;) {
    const std::size_t t = nearest_with(replica, sequence, at);
    TERRACE_CHECK(t < m_.tiers.size());
    const std::int64_t end = m_.tiers[t].block_end(at);
    BlockPool& pool = m_.tiers[t].part(replica).pool;
    const BlockId block = pool.find(sequence[static_cast<std::size_t>(end - 1)]);
    pool.hold(block);
    if (const auto from_tier = pool.take_prefetched(block)) {
      m_.tiers[*from_tier].counters.prefetch_used += m_.tiers[t].ratio;
    }
    load.sources.push_back({t, block, at, std::min(end, to)});
    blocks[t] += std::min(end, to) - at;
    ++extents[t];
    at = end;
  }
  for (std::size_t t = 0; t < m_.tiers.size(); ++t) {
    if (blocks[t] == 0) continue;
    m_.send(move_up(replica, t, blocks[t], extents[t]), Errand::Kind::load, index, t);
    ++load.pending;
  }
}

/// As with writes, the last block goes first.
void Hierarchy::finish_load(std::uint32_t index) {
  Load& load = loads_[index];
  for (std::size_t i = load.sources.size(); i-- > 0;) {
    const Source& source = load.sources[i];
    Tier& tier = m_.tiers[source.tier];
    BlockPool& pool = tier.part(load.replica).pool;
    promote(load, source);
    pool.release(source.block);
    if (tier.spec.inclusion == Inclusion::exclusive && !pool.held(source.block)) {
      pool.drop(source.block);
    }
  }
  m_.loop.post(Duration::zero(), LoadDone{load.replica, load.request});
  free_loads_.push_back(index);
}

/// What comes from farther below passes through DRAM anyway: an inclusive tier there keeps it,
/// unless it is read in place.
void Hierarchy::promote(const Load& load, const Source& source) {
  if (m_.tiers[source.tier].spec.promotion == Promotion::in_place) return;
  for (std::size_t t = 0; t < source.tier; ++t) {
    const Tier& tier = m_.tiers[t];
    if (tier.spec.medium != Medium::dram || tier.spec.inclusion != Inclusion::inclusive) continue;
    const std::uint32_t part = tier.part_of[load.replica.index()];
    for (std::int64_t end = source.to / tier.ratio * tier.ratio; end - tier.ratio >= source.from;
         end -= tier.ratio) {
      const ContentId content = load.contents[static_cast<std::size_t>(end - 1 - load.from)];
      BlockPool& pool = m_.tiers[t].parts[part].pool;
      const BlockId block = writes_.announce(t, part, content);
      if (block == BlockId::none()) continue;
      pool.arrived(block);
      pool.release(block);
    }
  }
}

void Hierarchy::on(const TransferDone& event) {
  const Errand errand = m_.errands[event.transfer.index()];
  TierCounters& counters = m_.tiers[errand.tier].counters;
  if (errand.kind == Errand::Kind::write) {
    counters.written += errand.bytes;
    writes_.arrived(errand.index);
    return;
  }
  if (errand.kind == Errand::Kind::prefetch) {
    counters.prefetched += errand.bytes;
    prefetches_.arrived(errand.index);
    return;
  }
  Load& load = loads_[errand.index];
  counters.read += errand.bytes;
  counters.load_time += m_.loop.now() - load.since;
  ++counters.loads;
  if (--load.pending == 0) finish_load(errand.index);
}

void Hierarchy::mark_contents(FunctionRef<void(ContentId)> mark) const {
  for (const HbmPart& part : m_.hbm) {
    part.pool.for_each_content(mark);
    part.pool.for_each_ghost(mark);
  }
  for (const Tier& tier : m_.tiers) {
    for (const TierPart& part : tier.parts) {
      part.pool.for_each_content(mark);
      part.pool.for_each_ghost(mark);
      part.admission->for_each_remembered(mark);
    }
  }
  prefetches_.mark_contents(mark);
}

void Hierarchy::check_invariants() const {
  for (const HbmPart& part : m_.hbm) part.pool.check_invariants();
  for (const Tier& tier : m_.tiers) {
    for (const TierPart& part : tier.parts) part.pool.check_invariants();
  }
  prefetches_.check_invariants();
}

}  // namespace terrace
