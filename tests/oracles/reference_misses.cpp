#include "tests/oracles/reference_misses.hpp"

#include <algorithm>
#include <optional>
#include <set>

namespace terrace::oracle {
namespace {

/// The contents that make up the block of a level: engine blocks, the last of which names it.
std::optional<ContentId> name_at(const Memories& memories, std::span<const ContentId> sequence,
                                 std::size_t level, std::size_t position) {
  const std::size_t ratio =
      level == 0 ? 1 : static_cast<std::size_t>(memories.tiers[level - 1].ratio);
  for (std::size_t i = position; i < sequence.size(); ++i) {
    if ((i + 1) % ratio == 0) return sequence[i];
  }
  return std::nullopt;
}

}  // namespace

bool ReferenceMisses::ever_computed(ContentId content) const {
  return std::any_of(history_.begin(), history_.end(), [&](const Event& event) {
    return event.kind == Event::computed && event.content == content;
  });
}

std::vector<ReferenceMisses::Copy> ReferenceMisses::copies(const Memories& memories,
                                                           std::span<const ContentId> sequence,
                                                           std::size_t position) const {
  std::vector<Copy> found;
  const auto look = [&](const BlockPool& pool, std::size_t level, std::size_t part) {
    const auto name = name_at(memories, sequence, level, position);
    pool.for_each_content([&](ContentId content) {
      if (content == name) found.push_back({level, part, pool.readable(pool.find(content))});
    });
  };
  for (std::size_t r = 0; r < memories.hbm.size(); ++r) look(memories.hbm[r].pool, 0, r);
  for (std::size_t t = 0; t < memories.tiers.size(); ++t) {
    for (std::size_t p = 0; p < memories.tiers[t].parts.size(); ++p) {
      look(memories.tiers[t].parts[p].pool, t + 1, p);
    }
  }
  return found;
}

ReferenceMisses::Answer ReferenceMisses::when_lost(const Memories& memories,
                                                   std::span<const ContentId> sequence,
                                                   std::size_t position) const {
  for (std::size_t level = places_.size(); level-- > 0;) {
    const auto name = name_at(memories, sequence, level, position);
    if (!name || !ever_computed(*name)) return {"partial_block " + places_[level]};
    std::optional<Event> last;  // that happened to it there since it was last computed
    for (const Event& event : history_) {
      if (event.content != *name) continue;
      if (event.kind == Event::computed) {
        last.reset();
      } else if (event.level == level) {
        last = event;
      }
    }
    if (!last || last->kind == Event::removed) continue;
    Answer answer{std::string(name_of(last->why)) + ' ' + places_[level]};
    if (last->kind == Event::evicted) {
      answer.idle = (last->at - last->last_use).count();
      answer.away = (loop_.now() - last->last_use).count();
    }
    return answer;
  }
  return {"nothing says why"};
}

void ReferenceMisses::looked_up(const Memories& memories, ReplicaId replica,
                                std::span<const ContentId> sequence, Tokens prompt,
                                std::int64_t hits, std::int64_t from, std::int64_t to) {
  std::set<std::string> touched;
  const auto book = [&](const Answer& answer, std::int64_t tokens) {
    MissedTokens& row = all_[answer.name];
    row.tokens += tokens;
    row.idle += answer.idle * tokens;
    row.away += answer.away * tokens;
    if (touched.insert(answer.name).second) ++row.requests;
  };
  const auto reachable = [&](const Copy& copy) {
    return copy.part == (copy.level == 0 ? replica.index()
                                         : memories.tiers[copy.level - 1].part_of[replica.index()]);
  };
  bool gap = false;
  bool all_below = true;
  std::int64_t at = hits;
  for (; prompt.count() - at * block_ > block_ || at < to; ++at) {
    if (at >= from && at < to) continue;
    const auto position = static_cast<std::size_t>(at);
    const std::vector<Copy> found = copies(memories, sequence, position);
    bool readable = false;
    bool below = false;
    std::set<std::size_t> on_their_way;
    std::set<std::size_t> out_of_reach;
    for (const Copy& copy : found) {
      if (!reachable(copy)) {
        out_of_reach.insert(copy.level);
      } else if (copy.readable) {
        readable = true;
        below = below || copy.level > 0;
      } else {
        on_their_way.insert(copy.level);
      }
    }
    if (readable) {
      all_below = all_below && below;
      book({gap ? "prefix_broken" : all_below ? "recompute_chosen" : "behind_load"}, block_);
      continue;
    }
    gap = true;
    if (!ever_computed(sequence[position])) {
      book({"never_seen"}, block_);
    } else if (!on_their_way.empty()) {
      book({"write_pending " + places_[*on_their_way.begin()]}, block_);
    } else if (!out_of_reach.empty()) {
      book({"other_replica " + places_[*out_of_reach.begin()]}, block_);
    } else {
      book(when_lost(memories, sequence, position), block_);
    }
  }
  const std::int64_t rest = prompt.count() - at * block_;
  if (rest > 0) book({rest == block_ ? "last_token" : "partial_block hbm"}, rest);
}

}  // namespace terrace::oracle
