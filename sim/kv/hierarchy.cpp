#include "sim/kv/hierarchy.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"

namespace terrace {

Hierarchy::Hierarchy(EventLoop& loop, Fabric& fabric, const ContentTable& contents,
                     std::vector<HbmPart> hbm, std::vector<Tier> tiers, BlockTraffic traffic)
    : loop_(loop),
      fabric_(fabric),
      contents_(contents),
      hbm_(std::move(hbm)),
      tiers_(std::move(tiers)),
      traffic_(traffic),
      from_hbm_(tiers_.size()),
      from_above_(tiers_.size()),
      through_(tiers_.size()),
      next_through_(tiers_.size(), tiers_.size()),
      hbm_evicted_(hbm_.size()),
      tier_evicted_(tiers_.size()) {
  for (std::size_t t = tiers_.size(); t-- > 0;) {
    if (tiers_[t].spec.write == WriteRule::through) next_through_[t] = std::exchange(through_, t);
  }
  for (std::size_t t = 0; t < tiers_.size(); ++t) {
    TERRACE_CHECK(tiers_[t].ratio % (t > 0 ? tiers_[t - 1].ratio : 1) == 0);
    tier_evicted_[t].resize(tiers_[t].parts.size());
    for (std::size_t r = 0; r < hbm_.size(); ++r) {
      from_hbm_[t].push_back(static_cast<std::uint32_t>(channels_.size()));
      channels_.push_back(
          {t, tiers_[t].part_of[r], ReplicaId{r}, hbm_[r].memory, &hbm_[r].pool, {}, {}, {}, {}});
    }
  }
  // What a tier gets from another one comes from the tier right above if it takes evictions, else
  // from the previous write-through one. Parts correspond by the replicas that use them.
  for (std::size_t t = 1; t < tiers_.size(); ++t) {
    std::size_t above = t - 1;
    if (tiers_[t].spec.write == WriteRule::through) {
      while (above > 0 && next_through_[above] != t) --above;
      if (next_through_[above] != t || tiers_[above].spec.write != WriteRule::through) continue;
    }
    for (std::uint32_t p = 0; p < tiers_[above].parts.size(); ++p) {
      const auto& part_of = tiers_[above].part_of;
      const auto replica =
          static_cast<std::size_t>(std::find(part_of.begin(), part_of.end(), p) - part_of.begin());
      TierPart& part = tiers_[above].parts[p];
      from_above_[t].push_back(static_cast<std::uint32_t>(channels_.size()));
      channels_.push_back({t,
                           tiers_[t].part_of[replica],
                           ReplicaId::none(),
                           part.memory,
                           &part.pool,
                           {},
                           {},
                           {},
                           {}});
      if (tiers_[t].spec.write == WriteRule::on_evict) {
        part.pool.record_evictions(tier_evicted_[above][p]);
      }
    }
  }
  if (has_tiers() && tiers_[0].spec.write == WriteRule::on_evict) {
    for (std::size_t r = 0; r < hbm_.size(); ++r) hbm_[r].pool.record_evictions(hbm_evicted_[r]);
  }
}

// --- up ------------------------------------------------------------------------------------------

std::size_t Hierarchy::nearest_with(ReplicaId replica, std::span<const ContentId> sequence,
                                    std::int64_t position) const {
  for (std::size_t t = 0; t < tiers_.size(); ++t) {
    const Tier& tier = tiers_[t];
    const auto end = static_cast<std::size_t>((position / tier.ratio + 1) * tier.ratio);
    if (end > sequence.size()) continue;
    const BlockPool& pool = tier.parts[tier.part_of[replica.index()]].pool;
    const BlockId block = pool.find(sequence[end - 1]);
    if (block != BlockId::none() && pool.readable(block)) return t;
  }
  return tiers_.size();
}

std::int64_t Hierarchy::look_below(ReplicaId replica, std::span<const ContentId> sequence,
                                   std::int64_t from, std::int64_t limit) const {
  std::int64_t at = from;
  while (at < from + limit) {
    const std::size_t t = nearest_with(replica, sequence, at);
    if (t == tiers_.size()) break;
    at = (at / tiers_[t].ratio + 1) * tiers_[t].ratio;
  }
  return std::min(at - from, limit);
}

void Hierarchy::find_below(ReplicaId replica, std::span<const ContentId> sequence,
                           std::int64_t from, std::int64_t limit,
                           std::vector<Stretch>& found) const {
  found.clear();
  for (std::int64_t at = from; at < from + limit;) {
    const std::size_t t = nearest_with(replica, sequence, at);
    if (t == tiers_.size()) break;
    const std::int64_t end = std::min((at / tiers_[t].ratio + 1) * tiers_[t].ratio, from + limit);
    if (found.empty() || found.back().tier != t) found.push_back({t, at, at});
    found.back().to = at = end;
  }
}

/// The transfer that brings so many engine blocks out of so many blocks of a tier.
Move Hierarchy::move_up(ReplicaId replica, std::size_t tier, std::int64_t blocks,
                        std::int64_t tier_blocks) const {
  const Tier& source = tiers_[tier];
  return {source.parts[source.part_of[replica.index()]].memory,
          hbm_[replica.index()].memory,
          {traffic_.bytes * blocks, traffic_.pieces * blocks, tier_blocks}};
}

Duration Hierarchy::expected_load_time(ReplicaId replica, std::span<const Stretch> found,
                                       std::int64_t from, std::int64_t to) const {
  std::vector<std::int64_t> blocks(tiers_.size());
  std::vector<std::int64_t> tier_blocks(tiers_.size());
  for (const Stretch& stretch : found) {
    const std::int64_t first = std::max(stretch.from, from);
    const std::int64_t end = std::min(stretch.to, to);
    if (first >= end) continue;
    const std::int64_t ratio = tiers_[stretch.tier].ratio;
    blocks[stretch.tier] += end - first;
    tier_blocks[stretch.tier] += (end - 1) / ratio - first / ratio + 1;
  }
  std::vector<Move> moves;
  for (std::size_t t = 0; t < tiers_.size(); ++t) {
    if (blocks[t] > 0) moves.push_back(move_up(replica, t, blocks[t], tier_blocks[t]));
  }
  return fabric_.expected_time(moves);
}

void Hierarchy::count_lookup(ReplicaId replica, std::span<const ContentId> sequence, Tokens lookups,
                             std::int64_t hits, std::int64_t from, std::int64_t to) {
  const std::int64_t block = contents_.block_size().count();
  ++hbm_counters_.requests;
  hbm_counters_.lookups += lookups;
  hbm_counters_.hits += Tokens{hits * block};
  hbm_counters_.hit_blocks += hits;
  if (!has_tiers()) return;

  Tokens missing = lookups - Tokens{hits * block};
  std::vector<std::int64_t> served(tiers_.size());
  for (std::int64_t at = from; at < to;) {
    const std::size_t t = nearest_with(replica, sequence, at);
    const std::int64_t next = std::min((at / tiers_[t].ratio + 1) * tiers_[t].ratio, to);
    served[t] += next - at;
    at = next;
  }
  for (std::size_t t = 0; t < tiers_.size(); ++t) {
    Tier& tier = tiers_[t];
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
      replica, request, 0, loop_.now(), from, std::move(load.contents), std::move(load.sources)};
  const auto wanted = sequence.subspan(static_cast<std::size_t>(from));
  load.contents.assign(wanted.begin(), wanted.begin() + (to - from));
  load.sources.clear();

  std::vector<std::int64_t> blocks(tiers_.size());
  std::vector<std::int64_t> extents(tiers_.size());
  for (std::int64_t at = from; at < to;) {
    const std::size_t t = nearest_with(replica, sequence, at);
    TERRACE_CHECK(t < tiers_.size());
    const std::int64_t end = (at / tiers_[t].ratio + 1) * tiers_[t].ratio;
    BlockPool& pool = tiers_[t].part(replica).pool;
    const BlockId block = pool.find(sequence[static_cast<std::size_t>(end - 1)]);
    pool.hold(block);
    load.sources.push_back({t, block, at, std::min(end, to)});
    blocks[t] += std::min(end, to) - at;
    ++extents[t];
    at = end;
  }
  for (std::size_t t = 0; t < tiers_.size(); ++t) {
    if (blocks[t] == 0) continue;
    const Move up = move_up(replica, t, blocks[t], extents[t]);
    track(fabric_.start(up.from, up.to, up.cargo), {true, index, t, up.cargo.size});
    ++load.pending;
  }
}

/// As with writes, the last block goes first.
void Hierarchy::finish_load(std::uint32_t index) {
  Load& load = loads_[index];
  for (std::size_t i = load.sources.size(); i-- > 0;) {
    const Source& source = load.sources[i];
    Tier& tier = tiers_[source.tier];
    BlockPool& pool = tier.part(load.replica).pool;
    promote(load, source);
    pool.release(source.block);
    if (tier.spec.inclusion == Inclusion::exclusive && !pool.held(source.block)) {
      pool.drop(source.block);
    }
  }
  loop_.post(Duration::zero(), LoadDone{load.replica, load.request});
  free_loads_.push_back(index);
}

/// What comes from farther below passes through DRAM anyway: an inclusive tier there keeps it.
void Hierarchy::promote(const Load& load, const Source& source) {
  for (std::size_t t = 0; t < source.tier; ++t) {
    const Tier& tier = tiers_[t];
    if (tier.spec.medium != Medium::dram || tier.spec.inclusion != Inclusion::inclusive) continue;
    const std::uint32_t part = tier.part_of[load.replica.index()];
    for (std::int64_t end = source.to / tier.ratio * tier.ratio; end - tier.ratio >= source.from;
         end -= tier.ratio) {
      const ContentId content = load.contents[static_cast<std::size_t>(end - 1 - load.from)];
      BlockPool& pool = tiers_[t].parts[part].pool;
      const BlockId block = announce(t, part, content);
      if (block == BlockId::none()) continue;
      pool.arrived(block);
      pool.release(block);
    }
  }
}

// --- down ----------------------------------------------------------------------------------------

void Hierarchy::completed(ReplicaId replica, std::span<const BlockId> blocks,
                          std::span<const ContentId> sequence, std::int64_t from, std::int64_t to) {
  if (through_ == tiers_.size()) return;
  const std::int64_t ratio = tiers_[through_].ratio;
  const std::uint32_t channel = from_hbm_[through_][replica.index()];
  for (std::int64_t end = (from / ratio + 1) * ratio; end <= to; end += ratio) {
    write(channel, sequence[static_cast<std::size_t>(end - 1)],
          blocks.subspan(static_cast<std::size_t>(end - ratio), static_cast<std::size_t>(ratio)));
  }
  start_if_idle(channel);
}

void Hierarchy::settle_evictions(ReplicaId replica) {
  std::vector<ContentId>& evicted = hbm_evicted_[replica.index()];
  if (!evicted.empty()) demote(from_hbm_[0][replica.index()], hbm(replica), 1, evicted);
}

/// A block of the tier for `content`, held and announced; what it evicts goes further down. None if
/// the tier has the content, or no room that is not in use.
BlockId Hierarchy::announce(std::size_t tier, std::uint32_t part, ContentId content) {
  BlockPool& pool = tiers_[tier].parts[part].pool;
  if (pool.find(content) != BlockId::none()) return BlockId::none();
  if (pool.free_blocks() == 0) {
    ++tiers_[tier].counters.writes_skipped;
    return BlockId::none();
  }
  const BlockId block = pool.allocate();
  pool.announce(block, content);
  std::vector<ContentId>& evicted = tier_evicted_[tier][part];
  if (!evicted.empty()) demote(from_above_[tier + 1][part], pool, tiers_[tier].ratio, evicted);
  return block;
}

/// Queues one block for the channel's tier, holding the source blocks until it has arrived.
void Hierarchy::write(std::uint32_t channel, ContentId content, std::span<const BlockId> held) {
  Channel& c = channels_[channel];
  const BlockId target = announce(c.tier, c.part, content);
  if (target == BlockId::none()) return;
  c.waiting.push_back(target);
  for (const BlockId block : held) {
    c.source->hold(block);
    c.waiting_held.push_back(block);
  }
}

/// The other blocks of `pool`, each `step` engine blocks long, of the block of `ratio` engine
/// blocks that ends with `last`. Those among `leaving` (sorted) have just been evicted, but can
/// still be copied. False if one is missing or still on its way, or `last` is not the end of such a
/// block.
bool Hierarchy::gather(const BlockPool& pool, std::int64_t step, std::int64_t ratio, ContentId last,
                       std::span<const ContentId> leaving, std::vector<BlockId>& found) const {
  found.clear();
  if (step == ratio) return true;
  if ((contents_.position(last) + 1) % ratio != 0) return false;
  for (std::int64_t back = ratio - step; back > 0; back -= step) {
    const ContentId content = contents_.before(last, back);
    const BlockId block = pool.find(content);
    if (block != BlockId::none() && pool.readable(block)) {
      found.push_back(block);
    } else if (!std::binary_search(leaving.begin(), leaving.end(), content)) {
      return false;
    }
  }
  return true;
}

/// Sends what `above` has evicted through a staging buffer to the channel's tier.
void Hierarchy::demote(std::uint32_t channel, const BlockPool& above, std::int64_t step,
                       std::vector<ContentId>& evicted) {
  const std::vector<ContentId> all = std::exchange(evicted, {});
  const std::int64_t ratio = tiers_[channels_[channel].tier].ratio;
  std::vector<ContentId> leaving;
  if (ratio > step) {
    leaving = all;
    std::sort(leaving.begin(), leaving.end());
  }
  for (const ContentId content : all) {
    if (gather(above, step, ratio, content, leaving, scratch_)) write(channel, content, {});
  }
  start_if_idle(channel);
}

void Hierarchy::start_if_idle(std::uint32_t channel) {
  Channel& c = channels_[channel];
  if (!c.moving.empty() || c.waiting.empty()) return;
  std::swap(c.moving, c.waiting);
  std::swap(c.moving_held, c.waiting_held);
  const std::int64_t blocks = static_cast<std::int64_t>(c.moving.size()) * tiers_[c.tier].ratio;
  const Bytes bytes = traffic_.bytes * blocks;
  const Cargo cargo{bytes, traffic_.pieces * blocks, static_cast<std::int64_t>(c.moving.size())};
  track(fabric_.start(c.from, tiers_[c.tier].parts[c.part].memory, cargo),
        {false, channel, c.tier, bytes});
}

/// The tail of a prefix is let go of first, so that its head outlives it: what was completed lies
/// here from head to tail, what was evicted from tail to head.
void Hierarchy::finish_write(std::uint32_t channel) {
  const std::size_t t = channels_[channel].tier;
  const std::uint32_t p = channels_[channel].part;
  const std::size_t next = next_through_[t];
  BlockPool& pool = tiers_[t].parts[p].pool;
  for (const BlockId done : channels_[channel].moving) {
    pool.arrived(done);
    if (next < tiers_.size() &&
        gather(pool, tiers_[t].ratio, tiers_[next].ratio, pool.content(done), {}, scratch_)) {
      held_ = scratch_;  // making room may gather as well
      held_.push_back(done);
      write(from_above_[next][p], pool.content(done), held_);
    }
  }
  if (next < tiers_.size()) start_if_idle(from_above_[next][p]);
  Channel& c = channels_[channel];
  if (tiers_[t].spec.write == WriteRule::through) std::reverse(c.moving.begin(), c.moving.end());
  for (const BlockId block : c.moving) pool.release(block);
  c.moving.clear();
  for (; !c.moving_held.empty(); c.moving_held.pop_back()) c.source->release(c.moving_held.back());
  start_if_idle(channel);
  // Blocks may have become free that a waiting request could not get.
  if (c.replica != ReplicaId::none()) loop_.post(Duration::zero(), ScheduleTick{c.replica});
}

void Hierarchy::track(TransferId transfer, const Errand& errand) {
  if (transfer.index() >= errands_.size()) errands_.resize(transfer.index() + 1);
  errands_[transfer.index()] = errand;
}

void Hierarchy::on(const TransferDone& event) {
  const Errand errand = errands_[event.transfer.index()];
  TierCounters& counters = tiers_[errand.tier].counters;
  if (!errand.is_load) {
    counters.written += errand.bytes;
    finish_write(errand.index);
    return;
  }
  Load& load = loads_[errand.index];
  counters.read += errand.bytes;
  counters.load_time += loop_.now() - load.since;
  ++counters.loads;
  if (--load.pending == 0) finish_load(errand.index);
}

void Hierarchy::mark_contents(FunctionRef<void(ContentId)> mark) const {
  for (const HbmPart& part : hbm_) part.pool.for_each_content(mark);
  for (const Tier& tier : tiers_) {
    for (const TierPart& part : tier.parts) part.pool.for_each_content(mark);
  }
}

void Hierarchy::check_invariants() const {
  for (const HbmPart& part : hbm_) part.pool.check_invariants();
  for (const Tier& tier : tiers_) {
    for (const TierPart& part : tier.parts) part.pool.check_invariants();
  }
}

}  // namespace terrace
