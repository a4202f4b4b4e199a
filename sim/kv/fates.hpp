#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/kv/cache_watch.hpp"
#include "sim/kv/content_table.hpp"
#include "sim/kv/misses.hpp"

namespace terrace {

/// Remembers what became of every content, and tells of each prompt token that was not served when
/// its request was first admitted why it was not: one cause each, the first of these that holds.
///
///   1. no cache of this block size could have served it: partial_block in hbm (behind the last
///      full block of the prompt) or last_token (the last block of a prompt of full blocks);
///   2. no_caching;
///   3. never_seen;
///   4. it lies within the replica's reach, in its HBM or readable in its part of a tier:
///      prefix_broken if a block before it does not, else recompute_chosen if it lies below behind
///      no gap, else behind_load;
///   5. write_pending: it is on its way to a place within reach, the nearest;
///   6. other_replica: it lies in another HBM, else in a part of a tier that is out of reach, the
///      nearest;
///   7. else nobody has it, and the farthest level that has something to say gives the cause: a
///      tier, that the block of it which holds this one has never been whole (partial_block), or
///      the last thing that happened to that block there since it was last computed: evicted, or
///      refused (no_room ... partial_block). HBM always has: there it was, and was evicted.
///
/// A level that took a block and handed it up, or was never offered it, has nothing to say.
/// Memory: 24 bytes per level for every block ever computed. Contents must keep their ids
/// (ContentTable::keep_all).
class Fates final : public CacheWatch {
 public:
  /// `places`: HBM first, then the tiers. `caching`: whether prefixes are cached at all.
  Fates(const EventLoop& loop, const ContentTable& contents, std::vector<std::string> places,
        bool caching);

  void computed(std::span<const ContentId> contents) override;
  void evicted(std::size_t level, ContentId content, SimTime last_use) override;
  void removed(std::size_t level, ContentId content) override;
  void refused(std::size_t level, ContentId content, MissCause why) override;
  void looked_up(const Memories& memories, ReplicaId replica, std::span<const ContentId> sequence,
                 Tokens prompt, std::int64_t hits, std::int64_t from, std::int64_t to) override;

  /// All tokens classified so far.
  [[nodiscard]] Misses misses() const;

 private:
  struct Fate {
    std::optional<MissCause> cause;
    SimTime last_use{};  // if evicted
    SimTime lost{};
  };

  struct LookUp {
    const Memories& memories;
    ReplicaId replica;
    std::span<const ContentId> sequence;
  };

  /// A cause, the place as an index into rows (0: none, else 1 + level), and when it was lost.
  struct Verdict {
    MissCause cause = MissCause::never_seen;
    std::size_t place = 0;
    Fate fate = {};
  };

  struct Row {
    std::int64_t requests = 0;
    std::uint64_t last_request = 0;
    Tokens tokens;
    Histogram idle;
    Histogram away;
  };

  [[nodiscard]] bool seen(ContentId content) const {
    return content.index() < seen_.size() && seen_[content.index()];
  }
  void remember(std::size_t level, ContentId content, const Fate& fate);

  [[nodiscard]] static ContentId tier_block(const LookUp& look, std::size_t tier,
                                            std::int64_t position);
  [[nodiscard]] static bool below(const LookUp& look, std::int64_t position);
  [[nodiscard]] static bool in_hbm(const LookUp& look, std::int64_t position);
  [[nodiscard]] static std::optional<std::size_t> pending(const LookUp& look,
                                                          std::int64_t position);
  [[nodiscard]] static std::optional<std::size_t> elsewhere(const LookUp& look,
                                                            std::int64_t position);
  [[nodiscard]] Verdict lost(const LookUp& look, std::int64_t position) const;
  [[nodiscard]] Verdict out_of_reach(const LookUp& look, std::int64_t position) const;
  void book(const Verdict& verdict, Tokens tokens);

  const EventLoop& loop_;
  const ContentTable& contents_;
  std::vector<std::string> places_;
  bool caching_;
  std::vector<bool> seen_;               // by content: it has been computed
  std::vector<std::deque<Fate>> fates_;  // level -> by content; grows without copies
  std::vector<Row> rows_;                // by cause, then by place
  std::uint64_t requests_ = 0;
  Tokens looked_up_;
};

}  // namespace terrace
