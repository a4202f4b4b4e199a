#include "sim/kv/writes.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"

namespace terrace {

Writes::Writes(Memories& memories)
    : m_(memories),
      streams_(memories),
      uses_(m_.tiers.size()),
      hbm_evicted_(m_.hbm.size()),
      tier_evicted_(m_.tiers.size()) {
  for (std::size_t t = 0; t < m_.tiers.size(); ++t) {
    Tier& tier = m_.tiers[t];
    TERRACE_CHECK(tier.ratio % (t > 0 ? m_.tiers[t - 1].ratio : 1) == 0);
    uses_[t].resize(tier.parts.size());
    tier_evicted_[t].resize(tier.parts.size());
    if (t + 1 == m_.tiers.size() || is_fed(m_.tiers[t + 1])) continue;
    for (std::size_t p = 0; p < tier.parts.size(); ++p) {
      tier.parts[p].pool.record_evictions(tier_evicted_[t][p]);
    }
  }
  if (m_.tiers.empty() || is_fed(m_.tiers[0])) return;
  for (std::size_t r = 0; r < m_.hbm.size(); ++r) {
    m_.hbm[r].pool.record_evictions(hbm_evicted_[r]);
  }
}

// --- what is offered -----------------------------------------------------------------------------

void Writes::completed(ReplicaId replica, std::span<const BlockId> blocks,
                       std::span<const ContentId> sequence, std::int64_t from, std::int64_t to) {
  for (std::size_t t = streams_.fed().first; t < m_.tiers.size(); t = streams_.fed().below[t]) {
    const Tier& tier = m_.tiers[t];
    const bool selective = tier.spec.write == WriteRule::selective;
    if (t != streams_.fed().first && !selective) continue;
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
    streams_.start_if_idle(stream_into(t, replica));
  }
}

void Writes::reused(ReplicaId replica, std::span<const BlockId> blocks,
                    std::span<const ContentId> sequence, std::int64_t to) {
  for (std::size_t t = streams_.fed().first; t < m_.tiers.size(); t = streams_.fed().below[t]) {
    const Tier& tier = m_.tiers[t];
    if (tier.spec.write != WriteRule::selective) continue;
    const std::uint32_t part = tier.part_of[replica.index()];
    for (std::int64_t end = tier.ratio; end <= to; end += tier.ratio) {
      ++uses(t, part, sequence[static_cast<std::size_t>(end - 1)]);
      offer_used(t, replica, blocks, sequence, end);
    }
    streams_.start_if_idle(stream_into(t, replica));
  }
}

void Writes::settle_evictions(ReplicaId replica) {
  std::vector<ContentId>& evicted = hbm_evicted_[replica.index()];
  if (evicted.empty()) return;
  demote(streams_.from_hbm(0, replica), m_.hbm[replica.index()].pool, 1, evicted);
}

/// Sends what `above` has evicted through a staging buffer to the stream's tier.
void Writes::demote(std::uint32_t stream, const BlockPool& above, std::int64_t step,
                    std::vector<ContentId>& evicted) {
  const std::vector<ContentId> all = std::exchange(evicted, {});
  const std::int64_t ratio = m_.tiers[streams_.tier(stream)].ratio;
  std::vector<ContentId> leaving;
  if (ratio > step) {
    leaving = all;
    std::sort(leaving.begin(), leaving.end());
  }
  for (const ContentId content : all) {
    if (gather(above, step, ratio, content, leaving, scratch_)) {
      write(stream, content, {});
    } else {
      m_.refuse_part(streams_.tier(stream), content);
    }
  }
  streams_.start_if_idle(stream);
}

/// Copies a block of a tier to the next one that is fed, if the rest of what makes a block there
/// lies beside it.
void Writes::pass_down(std::size_t from_tier, std::uint32_t part, ContentId content) {
  const std::size_t next = streams_.fed().below[from_tier];
  const BlockPool& pool = m_.tiers[from_tier].parts[part].pool;
  if (!gather(pool, m_.tiers[from_tier].ratio, m_.tiers[next].ratio, content, {}, scratch_)) {
    m_.refuse_part(next, content);
    return;
  }
  held_ = scratch_;  // making room may gather as well
  held_.push_back(pool.find(content));
  write(streams_.from_above(next, part), content, held_);
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
  if (t == streams_.fed().first) {
    write(stream_into(t, replica), content,
          blocks.subspan(static_cast<std::size_t>(end - tier.ratio),
                         static_cast<std::size_t>(tier.ratio)));
    return;
  }
  const std::size_t above = streams_.fed().above[t];
  const std::uint32_t part = m_.tiers[above].part_of[replica.index()];
  const BlockPool& pool = m_.tiers[above].parts[part].pool;
  const BlockId source = pool.find(content);
  if (source != BlockId::none() && pool.readable(source)) pass_down(above, part, content);
}

/// The stream by which a fed tier gets what this replica computes.
std::uint32_t Writes::stream_into(std::size_t fed, ReplicaId replica) const {
  if (fed == streams_.fed().first) return streams_.from_hbm(fed, replica);
  return streams_.from_above(fed, m_.tiers[streams_.fed().above[fed]].part_of[replica.index()]);
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
  if (!evicted.empty())
    demote(streams_.from_above(tier + 1, part), pool, m_.tiers[tier].ratio, evicted);
  return block;
}

/// Queues one block for the stream's tier, holding the source blocks until it has arrived.
void Writes::write(std::uint32_t stream, ContentId content, std::span<const BlockId> held) {
  const std::size_t t = streams_.tier(stream);
  const std::uint32_t p = streams_.part(stream);
  Tier& tier = m_.tiers[t];
  if (tier.parts[p].pool.find(content) != BlockId::none()) return;
  if (!tier.parts[p].admission->admits(content)) {
    ++tier.counters.writes_declined;
    m_.refuse(t, content, MissCause::admission_rule);
    return;
  }
  if (!streams_.make_way(stream)) {
    ++tier.counters.writes_skipped;
    m_.refuse(t, content, MissCause::queue_full);
    return;
  }
  const BlockId target = announce(t, p, content);
  if (target == BlockId::none()) {
    // Batches that are not full may have taken all the room there is.
    if (tier.spec.write == WriteRule::back_batched) streams_.start_all_into(t, p);
    return;
  }
  streams_.enqueue(stream, target, held);
}

void Writes::arrived(std::uint32_t stream) {
  const std::size_t t = streams_.tier(stream);
  const std::uint32_t p = streams_.part(stream);
  const std::size_t next = streams_.fed().below[t];
  const bool passes_down = is_fed(m_.tiers[t]) && next < m_.tiers.size();
  BlockPool& pool = m_.tiers[t].parts[p].pool;
  for (const BlockId done : streams_.moving(stream)) {
    pool.arrived(done);
    if (!passes_down) continue;
    const std::uint32_t part_below = streams_.part(streams_.from_above(next, p));
    const ContentId content = pool.content(done);
    if (used_enough(next, part_below, content)) pass_down(t, p, content);
  }
  if (passes_down) streams_.start_if_idle(streams_.from_above(next, p));
  streams_.finish(stream);
}

}  // namespace terrace
