#include "sim/kv/fates.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/kv/memories.hpp"

namespace terrace {

Fates::Fates(const EventLoop& loop, const ContentTable& contents, std::vector<std::string> places,
             bool caching)
    : loop_(loop),
      contents_(contents),
      places_(std::move(places)),
      caching_(caching),
      fates_(places_.size()),
      rows_(kMissCauses * (places_.size() + 1)) {}

// --- what is heard -------------------------------------------------------------------------------

/// What happened to the last computation's copies says nothing about this one's.
void Fates::computed(std::span<const ContentId> contents) {
  if (contents_.size() > seen_.size()) seen_.resize(contents_.size() + contents_.size() / 2);
  for (const ContentId content : contents) {
    seen_[content.index()] = true;
    for (std::deque<Fate>& fates : fates_) {
      if (content.index() < fates.size()) fates[content.index()] = {};
    }
  }
}

void Fates::evicted(std::size_t level, ContentId content, SimTime last_use) {
  remember(level, content, {MissCause::evicted, last_use, loop_.now()});
}

/// HBM hands nothing up: what leaves it without making room has never arrived.
void Fates::removed(std::size_t level, ContentId content) {
  if (level > 0 && content.index() < fates_[level].size()) fates_[level][content.index()] = {};
}

void Fates::refused(std::size_t level, ContentId content, MissCause why) {
  remember(level, content, {why, {}, {}});
}

void Fates::remember(std::size_t level, ContentId content, const Fate& fate) {
  std::deque<Fate>& fates = fates_[level];
  if (content.index() >= fates.size()) fates.resize(contents_.size());
  fates[content.index()] = fate;
}

// --- where a block is ----------------------------------------------------------------------------

/// What the tier's block goes by that holds this one; none if the sequence ends before it does.
ContentId Fates::tier_block(const LookUp& look, std::size_t tier, std::int64_t position) {
  const std::int64_t ratio = look.memories.tiers[tier].ratio;
  const auto end = static_cast<std::size_t>((position / ratio + 1) * ratio);
  return end > look.sequence.size() ? ContentId::none() : look.sequence[end - 1];
}

bool Fates::in_hbm(const LookUp& look, std::int64_t position) {
  const BlockPool& pool = look.memories.hbm[look.replica.index()].pool;
  const BlockId block = pool.find(look.sequence[static_cast<std::size_t>(position)]);
  return block != BlockId::none() && pool.readable(block);
}

bool Fates::below(const LookUp& look, std::int64_t position) {
  for (std::size_t t = 0; t < look.memories.tiers.size(); ++t) {
    const Tier& tier = look.memories.tiers[t];
    const BlockPool& pool = tier.part(look.replica).pool;
    const BlockId block = pool.find(tier_block(look, t, position));
    if (block != BlockId::none() && pool.readable(block)) return true;
  }
  return false;
}

/// The nearest level within reach that the block is on its way to. REQUIRES: it is not readable.
std::optional<std::size_t> Fates::pending(const LookUp& look, std::int64_t position) {
  const ContentId content = look.sequence[static_cast<std::size_t>(position)];
  if (look.memories.hbm[look.replica.index()].pool.find(content) != BlockId::none()) return 0;
  for (std::size_t t = 0; t < look.memories.tiers.size(); ++t) {
    const Tier& tier = look.memories.tiers[t];
    const BlockPool& pool = tier.part(look.replica).pool;
    if (pool.find(tier_block(look, t, position)) != BlockId::none()) return t + 1;
  }
  return std::nullopt;
}

/// The nearest level of which a part that is out of reach has the block.
std::optional<std::size_t> Fates::elsewhere(const LookUp& look, std::int64_t position) {
  const ContentId content = look.sequence[static_cast<std::size_t>(position)];
  const auto has = [](const auto& part, ContentId wanted) {
    return part.pool.find(wanted) != BlockId::none();
  };
  for (const HbmPart& part : look.memories.hbm) {
    if (has(part, content)) return 0;
  }
  for (std::size_t t = 0; t < look.memories.tiers.size(); ++t) {
    const ContentId wanted = tier_block(look, t, position);
    for (const TierPart& part : look.memories.tiers[t].parts) {
      if (has(part, wanted)) return t + 1;
    }
  }
  return std::nullopt;
}

// --- why it was missed ---------------------------------------------------------------------------

/// Why nobody has a block that has been computed.
Fates::Verdict Fates::lost(const LookUp& look, std::int64_t position) const {
  for (std::size_t t = look.memories.tiers.size(); t-- > 0;) {
    const ContentId content = tier_block(look, t, position);
    if (content == ContentId::none() || !seen(content)) return {MissCause::partial_block, t + 2};
    if (content.index() >= fates_[t + 1].size()) continue;
    const Fate& fate = fates_[t + 1][content.index()];
    if (fate.cause) return {*fate.cause, t + 2, fate};
  }
  const ContentId content = look.sequence[static_cast<std::size_t>(position)];
  TERRACE_CHECK(content.index() < fates_[0].size());
  const Fate& fate = fates_[0][content.index()];
  TERRACE_CHECK(fate.cause == MissCause::evicted);
  return {MissCause::evicted, 1, fate};
}

Fates::Verdict Fates::out_of_reach(const LookUp& look, std::int64_t position) const {
  if (!caching_) return {MissCause::no_caching};
  if (!seen(look.sequence[static_cast<std::size_t>(position)])) return {MissCause::never_seen};
  if (const auto level = pending(look, position)) return {MissCause::write_pending, *level + 1};
  if (const auto level = elsewhere(look, position)) return {MissCause::other_replica, *level + 1};
  return lost(look, position);
}

void Fates::looked_up(const Memories& memories, ReplicaId replica,
                      std::span<const ContentId> sequence, Tokens prompt, std::int64_t hits,
                      std::int64_t from, std::int64_t to) {
  const LookUp look{memories, replica, sequence};
  const Tokens block = contents_.block_size();
  const std::int64_t limit = std::max({hits, to, (prompt.count() - 1) / block.count()});
  ++requests_;
  looked_up_ += prompt;

  bool broken = false;   // a block before this one is out of reach
  bool only_low = true;  // all blocks behind the hits lie below
  for (std::int64_t at = hits; at < limit; ++at) {
    if (at >= from && at < to) continue;
    const bool low = below(look, at);
    if (low || in_hbm(look, at)) {
      only_low = only_low && low;
      book({broken     ? MissCause::prefix_broken
            : only_low ? MissCause::recompute_chosen
                       : MissCause::behind_load},
           block);
    } else {
      broken = true;
      book(out_of_reach(look, at), block);
    }
  }
  const Tokens rest = prompt - block * limit;
  if (rest == Tokens{}) return;
  book(rest == block ? Verdict{MissCause::last_token} : Verdict{MissCause::partial_block, 1}, rest);
}

void Fates::book(const Verdict& verdict, Tokens tokens) {
  Row& row = rows_[static_cast<std::size_t>(verdict.cause) * (places_.size() + 1) + verdict.place];
  row.tokens += tokens;
  if (std::exchange(row.last_request, requests_) != requests_) ++row.requests;
  if (verdict.cause != MissCause::evicted) return;
  row.idle.add((verdict.fate.lost - verdict.fate.last_use).count(), tokens.count());
  row.away.add((loop_.now() - verdict.fate.last_use).count(), tokens.count());
}

Misses Fates::misses() const {
  Misses all;
  all.looked_up = looked_up_;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    if (row.tokens == Tokens{}) continue;
    const std::size_t place = i % (places_.size() + 1);
    all.missed += row.tokens;
    all.rows.push_back({static_cast<MissCause>(i / (places_.size() + 1)),
                        place == 0 ? std::string() : places_[place - 1], row.requests, row.tokens,
                        row.idle, row.away});
  }
  return all;
}

}  // namespace terrace
