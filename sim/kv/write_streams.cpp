#include "sim/kv/write_streams.hpp"

#include <algorithm>
#include <utility>

namespace terrace {

bool is_fed(const Tier& tier) {
  return tier.spec.write == WriteRule::through || tier.spec.write == WriteRule::selective;
}

FedTiers::FedTiers(const std::vector<Tier>& tiers)
    : first(tiers.size()), below(tiers.size(), tiers.size()), above(tiers.size(), tiers.size()) {
  for (std::size_t t = tiers.size(); t-- > 0;) {
    if (!is_fed(tiers[t])) continue;
    below[t] = std::exchange(first, t);
    if (below[t] < tiers.size()) above[below[t]] = t;
  }
}

WriteStreams::WriteStreams(Memories& memories)
    : m_(memories), fed_(m_.tiers), from_hbm_(m_.tiers.size()), from_above_(m_.tiers.size()) {
  for (std::size_t t = 0; t < m_.tiers.size(); ++t) {
    for (std::size_t r = 0; r < m_.hbm.size(); ++r) add_from_hbm(t, ReplicaId{r});
  }
  for (std::size_t t = 1; t < m_.tiers.size(); ++t) {
    const std::size_t above = is_fed(m_.tiers[t]) ? fed_.above[t] : t - 1;
    if (above == m_.tiers.size()) continue;
    for (std::uint32_t p = 0; p < m_.tiers[above].parts.size(); ++p) add_from_above(t, above, p);
  }
}

void WriteStreams::add_from_hbm(std::size_t tier, ReplicaId replica) {
  const Tier& target = m_.tiers[tier];
  HbmPart& hbm = m_.hbm[replica.index()];
  from_hbm_[tier].push_back(static_cast<std::uint32_t>(streams_.size()));
  Stream& stream = streams_.emplace_back();
  stream.tier = tier;
  stream.part = target.part_of[replica.index()];
  stream.replica = replica;
  stream.from = hbm.memory;
  stream.source = &hbm.pool;
  if (is_fed(target)) stream.sources_per_block = static_cast<std::size_t>(target.ratio);
}

/// Parts correspond by the replicas that use them.
void WriteStreams::add_from_above(std::size_t tier, std::size_t above, std::uint32_t part) {
  const Tier& target = m_.tiers[tier];
  Tier& source = m_.tiers[above];
  const auto user = std::find(source.part_of.begin(), source.part_of.end(), part);
  from_above_[tier].push_back(static_cast<std::uint32_t>(streams_.size()));
  Stream& stream = streams_.emplace_back();
  stream.tier = tier;
  stream.part = target.part_of[static_cast<std::size_t>(user - source.part_of.begin())];
  stream.above = above;
  stream.above_part = part;
  stream.from = source.parts[part].memory;
  stream.source = &source.parts[part].pool;
  if (is_fed(target)) {
    stream.sources_per_block = static_cast<std::size_t>(target.ratio / source.ratio);
  }
}

void WriteStreams::enqueue(std::uint32_t stream, BlockId target, std::span<const BlockId> sources) {
  Stream& s = streams_[stream];
  s.waiting.push_back(target);
  for (const BlockId block : sources) {
    s.source->hold(block);
    s.waiting_held.push_back(block);
  }
}

/// Whether more wait than may: of a blocking queue, as much as one step adds.
bool WriteStreams::is_full(const Stream& stream) const {
  const TierSpec& spec = m_.tiers[stream.tier].spec;
  return spec.write_queue.limit > 0 &&
         static_cast<std::int64_t>(stream.waiting.size()) >= spec.write_queue.limit;
}

bool WriteStreams::make_way(std::uint32_t stream) {
  Stream& s = streams_[stream];
  if (!is_full(s)) return true;
  switch (m_.tiers[s.tier].spec.write_queue.when_full) {
    case WhenFull::skip:
      return false;
    case WhenFull::block:
      return true;
    case WhenFull::drop_oldest:
      break;
  }
  drop_oldest(s);
  return true;
}

void WriteStreams::drop_oldest(Stream& s) {
  Tier& tier = m_.tiers[s.tier];
  ++tier.counters.writes_dropped;
  BlockPool& pool = tier.parts[s.part].pool;
  const ContentId dropped = pool.content(s.waiting.front());
  pool.cancel(s.waiting.front());
  m_.refuse(s.tier, dropped, MissCause::write_dropped);
  s.waiting.erase(s.waiting.begin());
  for (std::size_t i = s.sources_per_block; i-- > 0;) s.source->release(s.waiting_held[i]);
  s.waiting_held.erase(s.waiting_held.begin(),
                       s.waiting_held.begin() + static_cast<std::ptrdiff_t>(s.sources_per_block));
}

/// Whether whoever wants to write has to wait for the stream's queue.
bool WriteStreams::blocks(const Stream& stream) const {
  return m_.tiers[stream.tier].spec.write_queue.when_full == WhenFull::block && is_full(stream);
}

bool WriteStreams::block_engine(ReplicaId replica) const {
  return std::any_of(from_hbm_.begin(), from_hbm_.end(), [&](const auto& streams) {
    return blocks(streams_[streams[replica.index()]]);
  });
}

/// Whether the tier that the stream fills may take nothing, because a queue blocks to which it
/// passes on what it gets, or what it evicts.
bool WriteStreams::blocked_below(const Stream& stream) const {
  const auto blocked = [&](std::size_t below) {
    return blocks(streams_[from_above_[below][stream.part]]);
  };
  const std::size_t passed_to = fed_.below[stream.tier];
  if (passed_to < m_.tiers.size() && blocked(passed_to)) return true;
  const std::size_t next = stream.tier + 1;
  return next < m_.tiers.size() && !is_fed(m_.tiers[next]) && blocked(next);
}

void WriteStreams::start_if_idle(std::uint32_t stream) {
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
    start_all_into(s.above, s.above_part);
  } else {
    m_.loop.post(Duration::zero(), ScheduleTick{s.replica});
  }
}

void WriteStreams::start_all_into(std::size_t tier, std::uint32_t part) {
  for (std::uint32_t i = 0; i < streams_.size(); ++i) {
    if (streams_[i].tier == tier && streams_[i].part == part) start_if_idle(i);
  }
}

/// The tail of a prefix is let go of first, so that its head outlives it: what was completed lies
/// here from head to tail, what was evicted from tail to head.
void WriteStreams::finish(std::uint32_t stream) {
  Stream& s = streams_[stream];
  BlockPool& pool = m_.tiers[s.tier].parts[s.part].pool;
  if (is_fed(m_.tiers[s.tier])) std::reverse(s.moving.begin(), s.moving.end());
  for (const BlockId block : s.moving) pool.release(block);
  s.moving.clear();
  for (; !s.moving_held.empty(); s.moving_held.pop_back()) s.source->release(s.moving_held.back());
  start_if_idle(stream);
  // Blocks may have become free that a waiting request could not get.
  if (s.replica != ReplicaId::none()) m_.loop.post(Duration::zero(), ScheduleTick{s.replica});
}

}  // namespace terrace
