#include "sim/kv/writes.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

bool is_fed(const Tier& tier) {
  return tier.spec.write == WriteRule::through || tier.spec.write == WriteRule::selective;
}

}  // namespace

Writes::Writes(Memories& memories)
    : m_(memories),
      from_hbm_(m_.tiers.size()),
      from_above_(m_.tiers.size()),
      first_fed_(m_.tiers.size()),
      next_fed_(m_.tiers.size(), m_.tiers.size()),
      fed_from_(m_.tiers.size(), m_.tiers.size()),
      uses_(m_.tiers.size()),
      hbm_evicted_(m_.hbm.size()),
      tier_evicted_(m_.tiers.size()) {
  for (std::size_t t = m_.tiers.size(); t-- > 0;) {
    if (!is_fed(m_.tiers[t])) continue;
    next_fed_[t] = std::exchange(first_fed_, t);
    if (next_fed_[t] < m_.tiers.size()) fed_from_[next_fed_[t]] = t;
  }
  for (std::size_t t = 0; t < m_.tiers.size(); ++t) {
    const Tier& tier = m_.tiers[t];
    TERRACE_CHECK(tier.ratio % (t > 0 ? m_.tiers[t - 1].ratio : 1) == 0);
    tier_evicted_[t].resize(tier.parts.size());
    uses_[t].resize(tier.parts.size());
    for (std::size_t r = 0; r < m_.hbm.size(); ++r) {
      from_hbm_[t].push_back(static_cast<std::uint32_t>(streams_.size()));
      Stream& stream = streams_.emplace_back();
      stream.tier = t;
      stream.part = tier.part_of[r];
      stream.replica = ReplicaId{r};
      stream.from = m_.hbm[r].memory;
      stream.source = &m_.hbm[r].pool;
      if (is_fed(tier)) stream.sources_per_block = static_cast<std::size_t>(tier.ratio);
    }
  }
  // Parts correspond by the replicas that use them.
  for (std::size_t t = 1; t < m_.tiers.size(); ++t) {
    const std::size_t above = is_fed(m_.tiers[t]) ? fed_from_[t] : t - 1;
    if (above == m_.tiers.size()) continue;
    for (std::uint32_t p = 0; p < m_.tiers[above].parts.size(); ++p) {
      const auto& part_of = m_.tiers[above].part_of;
      const auto replica =
          static_cast<std::size_t>(std::find(part_of.begin(), part_of.end(), p) - part_of.begin());
      TierPart& part = m_.tiers[above].parts[p];
      from_above_[t].push_back(static_cast<std::uint32_t>(streams_.size()));
      Stream& stream = streams_.emplace_back();
      stream.tier = t;
      stream.part = m_.tiers[t].part_of[replica];
      stream.above = above;
      stream.above_part = p;
      stream.from = part.memory;
      stream.source = &part.pool;
      if (is_fed(m_.tiers[t])) {
        stream.sources_per_block =
            static_cast<std::size_t>(m_.tiers[t].ratio / m_.tiers[above].ratio);
      } else {
        part.pool.record_evictions(tier_evicted_[above][p]);
      }
    }
  }
  if (!m_.tiers.empty() && !is_fed(m_.tiers[0])) {
    for (std::size_t r = 0; r < m_.hbm.size(); ++r) {
      m_.hbm[r].pool.record_evictions(hbm_evicted_[r]);
    }
  }
}

// --- what is offered -----------------------------------------------------------------------------

void Writes::completed(ReplicaId replica, std::span<const BlockId> blocks,
                       std::span<const ContentId> sequence, std::int64_t from, std::int64_t to) {
  for (std::size_t t = first_fed_; t < m_.tiers.size(); t = next_fed_[t]) {
    const Tier& tier = m_.tiers[t];
    const bool selective = tier.spec.write == WriteRule::selective;
    if (t != first_fed_ && !selective) continue;
    const std::vector<std::uint32_t>& part_of = tier.part_of;
    const std::uint32_t part = part_of[replica.index()];
    for (std::int64_t end = (from / tier.ratio + 1) * tier.ratio; end <= to; end += tier.ratio) {
      const auto last = static_cast<std::size_t>(end - 1);
      if (selective) {
        std::uint32_t& count = uses(t, part, sequence[last]);
        count = lies_elsewhere(replica, blocks[last], sequence[last], part_of) ? count + 1 : 1;
      }
      offer_used(t, replica, blocks, sequence, end);
    }
    start_if_idle(stream_into(t, replica));
  }
}

void Writes::reused(ReplicaId replica, std::span<const BlockId> blocks,
                    std::span<const ContentId> sequence, std::int64_t to) {
  for (std::size_t t = first_fed_; t < m_.tiers.size(); t = next_fed_[t]) {
    const Tier& tier = m_.tiers[t];
    if (tier.spec.write != WriteRule::selective) continue;
    const std::uint32_t part = tier.part_of[replica.index()];
    for (std::int64_t end = tier.ratio; end <= to; end += tier.ratio) {
      ++uses(t, part, sequence[static_cast<std::size_t>(end - 1)]);
      offer_used(t, replica, blocks, sequence, end);
    }
    start_if_idle(stream_into(t, replica));
  }
}

void Writes::settle_evictions(ReplicaId replica) {
  std::vector<ContentId>& evicted = hbm_evicted_[replica.index()];
  if (evicted.empty()) return;
  demote(from_hbm_[0][replica.index()], m_.hbm[replica.index()].pool, 1, evicted);
}

/// Sends what `above` has evicted through a staging buffer to the stream's tier.
void Writes::demote(std::uint32_t stream, const BlockPool& above, std::int64_t step,
                    std::vector<ContentId>& evicted) {
  const std::vector<ContentId> all = std::exchange(evicted, {});
  const std::int64_t ratio = m_.tiers[streams_[stream].tier].ratio;
  std::vector<ContentId> leaving;
  if (ratio > step) {
    leaving = all;
    std::sort(leaving.begin(), leaving.end());
  }
  for (const ContentId content : all) {
    if (gather(above, step, ratio, content, leaving, scratch_)) {
      write(stream, content, {});
    } else {
      m_.refuse_part(streams_[stream].tier, content);
    }
  }
  start_if_idle(stream);
}

/// Copies a block of a tier to the next one that is fed, if the rest of what makes a block there
/// lies beside it.
void Writes::pass_down(std::size_t from_tier, std::uint32_t part, ContentId content) {
  const std::size_t next = next_fed_[from_tier];
  const BlockPool& pool = m_.tiers[from_tier].parts[part].pool;
  if (!gather(pool, m_.tiers[from_tier].ratio, m_.tiers[next].ratio, content, {}, scratch_)) {
    m_.refuse_part(next, content);
    return;
  }
  held_ = scratch_;  // making room may gather as well
  held_.push_back(pool.find(content));
  write(from_above_[next][part], content, held_);
}

/// The other blocks of `pool`, each `step` engine blocks long, of the block of `ratio` engine
/// blocks that ends with `last`. Those among `leaving` (sorted) have just been evicted, but can
/// still be copied. False if one is missing or still on its way, or `last` is not the end of such a
/// block.
bool Writes::gather(const BlockPool& pool, std::int64_t step, std::int64_t ratio, ContentId last,
                    std::span<const ContentId> leaving, std::vector<BlockId>& found) const {
  found.clear();
  if (step == ratio) return true;
  if ((m_.contents.position(last) + 1) % ratio != 0) return false;
  for (std::int64_t back = ratio - step; back > 0; back -= step) {
    const ContentId content = m_.contents.before(last, back);
    const BlockId block = pool.find(content);
    if (block != BlockId::none() && pool.readable(block)) {
      found.push_back(block);
    } else if (!std::binary_search(leaving.begin(), leaving.end(), content)) {
      return false;
    }
  }
  return true;
}

/// Offers a fed tier its block that ends before block `end` of a sequence, if that has been used so
/// often: from HBM, or from the fed tier above if it lies there.
void Writes::offer_used(std::size_t t, ReplicaId replica, std::span<const BlockId> blocks,
                        std::span<const ContentId> sequence, std::int64_t end) {
  const Tier& tier = m_.tiers[t];
  const ContentId content = sequence[static_cast<std::size_t>(end - 1)];
  if (!used_enough(t, tier.part_of[replica.index()], content)) {
    m_.refuse(t, content, MissCause::below_uses);
    return;
  }
  if (t == first_fed_) {
    write(stream_into(t, replica), content,
          blocks.subspan(static_cast<std::size_t>(end - tier.ratio),
                         static_cast<std::size_t>(tier.ratio)));
    return;
  }
  const std::size_t above = fed_from_[t];
  const std::uint32_t part = m_.tiers[above].part_of[replica.index()];
  const BlockPool& pool = m_.tiers[above].parts[part].pool;
  const BlockId source = pool.find(content);
  if (source != BlockId::none() && pool.readable(source)) pass_down(above, part, content);
}

/// The stream by which a fed tier gets what this replica computes.
std::uint32_t Writes::stream_into(std::size_t fed, ReplicaId replica) const {
  if (fed == first_fed_) return from_hbm_[fed][replica.index()];
  return from_above_[fed][m_.tiers[fed_from_[fed]].part_of[replica.index()]];
}

/// Whether a replica that uses the same part of a tier has the content in HBM, in another block.
bool Writes::lies_elsewhere(ReplicaId replica, BlockId block, ContentId content,
                            const std::vector<std::uint32_t>& part_of) const {
  for (std::size_t r = 0; r < m_.hbm.size(); ++r) {
    if (part_of[r] != part_of[replica.index()]) continue;
    const BlockId found = m_.hbm[r].pool.find(content);
    if (found != BlockId::none() && (ReplicaId{r} != replica || found != block)) return true;
  }
  return false;
}

/// How often the content has been used by those above the part. Computing what nobody has any more
/// starts the count anew, as with the nodes of HiCache's tree.
std::uint32_t& Writes::uses(std::size_t tier, std::uint32_t part, ContentId content) {
  std::vector<std::uint32_t>& counts = uses_[tier][part];
  if (content.index() >= counts.size()) counts.resize(content.index() + 1 + counts.size() / 2);
  return counts[content.index()];
}

bool Writes::used_enough(std::size_t tier, std::uint32_t part, ContentId content) const {
  const TierSpec& spec = m_.tiers[tier].spec;
  if (spec.write == WriteRule::through) return true;
  const std::vector<std::uint32_t>& counts = uses_[tier][part];
  return content.index() < counts.size() && counts[content.index()] >= spec.write_uses;
}

void Writes::forget(ContentId content) {
  for (auto& parts : uses_) {
    for (std::vector<std::uint32_t>& counts : parts) {
      if (content.index() < counts.size()) counts[content.index()] = 0;
    }
  }
}

// --- what is taken -------------------------------------------------------------------------------

BlockId Writes::announce(std::size_t tier, std::uint32_t part, ContentId content) {
  TierCounters& counters = m_.tiers[tier].counters;
  BlockPool& pool = m_.tiers[tier].parts[part].pool;
  if (pool.find(content) != BlockId::none()) return BlockId::none();
  if (pool.free_blocks() == 0) {
    ++counters.writes_skipped;
    m_.refuse(tier, content, MissCause::no_room);
    return BlockId::none();
  }
  if (!pool.admits(content)) {
    ++counters.writes_declined;
    m_.refuse(tier, content, MissCause::eviction_policy);
    return BlockId::none();
  }
  const BlockId block = pool.allocate(content);
  pool.announce(block, content);
  std::vector<ContentId>& evicted = tier_evicted_[tier][part];
  if (!evicted.empty()) demote(from_above_[tier + 1][part], pool, m_.tiers[tier].ratio, evicted);
  return block;
}

/// Queues one block for the stream's tier, holding the source blocks until it has arrived.
void Writes::write(std::uint32_t stream, ContentId content, std::span<const BlockId> held) {
  const std::size_t t = streams_[stream].tier;
  const std::uint32_t p = streams_[stream].part;
  Tier& tier = m_.tiers[t];
  if (tier.parts[p].pool.find(content) != BlockId::none()) return;
  if (!tier.parts[p].admission->admits(content)) {
    ++tier.counters.writes_declined;
    m_.refuse(t, content, MissCause::admission_rule);
    return;
  }
  if (!make_way(streams_[stream])) {
    ++tier.counters.writes_skipped;
    m_.refuse(t, content, MissCause::queue_full);
    return;
  }
  const BlockId target = announce(t, p, content);
  if (target == BlockId::none()) {
    // Batches that are not full may have taken all the room there is.
    if (tier.spec.write == WriteRule::back_batched) start_writers(t, p);
    return;
  }
  Stream& s = streams_[stream];
  s.waiting.push_back(target);
  for (const BlockId block : held) {
    s.source->hold(block);
    s.waiting_held.push_back(block);
  }
}

/// Whether more wait than may: of a blocking queue, as much as one step adds.
bool Writes::is_full(const Stream& stream) const {
  const TierSpec& spec = m_.tiers[stream.tier].spec;
  return spec.write_queue.limit > 0 &&
         static_cast<std::int64_t>(stream.waiting.size()) >= spec.write_queue.limit;
}

/// Makes room in the stream's queue. False if the queue stays full and the write is to be left out.
bool Writes::make_way(Stream& s) {
  if (!is_full(s)) return true;
  Tier& tier = m_.tiers[s.tier];
  switch (tier.spec.write_queue.when_full) {
    case WhenFull::skip:
      return false;
    case WhenFull::block:
      return true;
    case WhenFull::drop_oldest:
      break;
  }
  ++tier.counters.writes_dropped;
  BlockPool& pool = tier.parts[s.part].pool;
  const ContentId dropped = pool.content(s.waiting.front());
  pool.cancel(s.waiting.front());
  m_.refuse(s.tier, dropped, MissCause::write_dropped);
  s.waiting.erase(s.waiting.begin());
  for (std::size_t i = s.sources_per_block; i-- > 0;) s.source->release(s.waiting_held[i]);
  s.waiting_held.erase(s.waiting_held.begin(),
                       s.waiting_held.begin() + static_cast<std::ptrdiff_t>(s.sources_per_block));
  return true;
}

/// Whether whoever wants to write has to wait for the stream's queue.
bool Writes::blocks(const Stream& stream) const {
  return m_.tiers[stream.tier].spec.write_queue.when_full == WhenFull::block && is_full(stream);
}

bool Writes::block_engine(ReplicaId replica) const {
  return std::any_of(from_hbm_.begin(), from_hbm_.end(), [&](const auto& streams) {
    return blocks(streams_[streams[replica.index()]]);
  });
}

/// Whether the tier that the stream fills may take nothing, because a queue blocks to which it
/// passes on what it gets, or what it evicts.
bool Writes::blocked_below(const Stream& stream) const {
  const auto blocked = [&](std::size_t below) {
    return blocks(streams_[from_above_[below][stream.part]]);
  };
  const std::size_t passed_to = next_fed_[stream.tier];
  if (passed_to < m_.tiers.size() && blocked(passed_to)) return true;
  const std::size_t next = stream.tier + 1;
  return next < m_.tiers.size() && !is_fed(m_.tiers[next]) && blocked(next);
}

// --- how it moves --------------------------------------------------------------------------------

void Writes::start_if_idle(std::uint32_t stream) {
  Stream& s = streams_[stream];
  if (!s.moving.empty() || s.waiting.empty()) return;
  Tier& tier = m_.tiers[s.tier];
  const bool batched = tier.spec.write == WriteRule::back_batched;
  const BlockPool& pool = tier.parts[s.part].pool;
  if (batched && static_cast<std::int64_t>(s.waiting.size()) < tier.spec.write_batch &&
      pool.free_blocks() > 0) {
    return;
  }
  if (blocked_below(s)) return;
  const bool blocked = blocks(s);
  std::swap(s.moving, s.waiting);
  std::swap(s.moving_held, s.waiting_held);
  const auto extents = static_cast<std::int64_t>(s.moving.size());
  // What has been collected for one batch is written in one piece.
  const Cargo cargo = m_.traffic.cargo(extents * tier.ratio, batched ? 1 : extents);
  m_.send({s.from, tier.parts[s.part].memory, cargo}, Errand::Kind::write, stream, s.tier);
  if (!blocked) return;
  if (s.replica == ReplicaId::none()) {
    start_writers(s.above, s.above_part);
  } else {
    m_.loop.post(Duration::zero(), ScheduleTick{s.replica});
  }
}

/// Lets those go on that fill the part of a tier, if something made them wait.
void Writes::start_writers(std::size_t tier, std::uint32_t part) {
  for (std::uint32_t i = 0; i < streams_.size(); ++i) {
    if (streams_[i].tier == tier && streams_[i].part == part) start_if_idle(i);
  }
}

/// The tail of a prefix is let go of first, so that its head outlives it: what was completed lies
/// here from head to tail, what was evicted from tail to head.
void Writes::arrived(std::uint32_t stream) {
  const std::size_t t = streams_[stream].tier;
  const std::uint32_t p = streams_[stream].part;
  const std::size_t next = next_fed_[t];
  const bool passes_down = is_fed(m_.tiers[t]) && next < m_.tiers.size();
  BlockPool& pool = m_.tiers[t].parts[p].pool;
  for (const BlockId done : streams_[stream].moving) {
    pool.arrived(done);
    if (!passes_down) continue;
    const ContentId content = pool.content(done);
    if (used_enough(next, streams_[from_above_[next][p]].part, content)) pass_down(t, p, content);
  }
  if (passes_down) start_if_idle(from_above_[next][p]);
  Stream& s = streams_[stream];
  if (is_fed(m_.tiers[t])) std::reverse(s.moving.begin(), s.moving.end());
  for (const BlockId block : s.moving) pool.release(block);
  s.moving.clear();
  for (; !s.moving_held.empty(); s.moving_held.pop_back()) s.source->release(s.moving_held.back());
  start_if_idle(stream);
  // Blocks may have become free that a waiting request could not get.
  if (s.replica != ReplicaId::none()) m_.loop.post(Duration::zero(), ScheduleTick{s.replica});
}

}  // namespace terrace
