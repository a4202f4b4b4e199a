#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/base/function_ref.hpp"
#include "sim/base/id.hpp"
#include "sim/base/units.hpp"
#include "sim/des/event_loop.hpp"
#include "sim/fabric/fabric.hpp"
#include "sim/kv/content_ledger.hpp"
#include "sim/kv/memories.hpp"
#include "sim/kv/prefetches.hpp"
#include "sim/kv/writes.hpp"

namespace terrace {

/// Blocks [from, to) of a sequence that lie in the same tier.
struct Stretch {
  std::size_t tier = 0;
  std::int64_t from = 0;
  std::int64_t to = 0;
};

/// All places where KV may live, and its ways between them.
///
/// Down: see Writes.
///
/// Up: a request asks which blocks it could have and has them loaded into HBM; their sources are
/// held until they have arrived, which LoadDone tells. Nothing enters HBM that no request asked
/// for, but what it will ask for may be brought from farther tiers into DRAM beforehand: see
/// Prefetches.
class Hierarchy {
 public:
  /// `tiers` from the nearest to the farthest, all enabled; the ratio of each is a multiple of the
  /// ratio of the one above.
  Hierarchy(EventLoop& loop, Fabric& fabric, const ContentTable& contents, std::vector<HbmPart> hbm,
            std::vector<Tier> tiers, BlockTraffic traffic, ContentLedger& ledger);
  Hierarchy(const Hierarchy&) = delete;  // its parts refer to each other
  Hierarchy& operator=(const Hierarchy&) = delete;

  [[nodiscard]] BlockPool& hbm(ReplicaId replica) { return m_.hbm[replica.index()].pool; }
  [[nodiscard]] const std::vector<HbmPart>& hbm_parts() const { return m_.hbm; }
  [[nodiscard]] const std::vector<Tier>& tiers() const { return m_.tiers; }
  [[nodiscard]] bool has_tiers() const { return !m_.tiers.empty(); }

  /// How many blocks of the sequence, from `from` on, lie below without a gap; at most `limit`.
  /// O(blocks found).
  [[nodiscard]] std::int64_t look_below(ReplicaId replica, std::span<const ContentId> sequence,
                                        std::int64_t from, std::int64_t limit) const;

  /// The same blocks by the tiers that would serve them, in order, in `found`.
  void find_below(ReplicaId replica, std::span<const ContentId> sequence, std::int64_t from,
                  std::int64_t limit, std::vector<Stretch>& found) const;

  /// How long load() would take for blocks [from, to) of those found, by what its routes are busy
  /// with now (see Fabric::expected_time).
  [[nodiscard]] Duration expected_load_time(ReplicaId replica, std::span<const Stretch> found,
                                            std::int64_t from, std::int64_t to) const;

  /// Loads blocks [from, to), which look_below() found, into HBM blocks that the caller holds;
  /// posts LoadDone when all have arrived.
  void load(ReplicaId replica, RequestId request, std::span<const ContentId> sequence,
            std::int64_t from, std::int64_t to);

  /// Books a look-up of `lookups` tokens: blocks [0, hits) hit in HBM, [from, to) are loaded from
  /// below, the rest is computed, whether or not it lies below. Lets the tiers know which of their
  /// blocks are in demand, the last first.
  void count_lookup(ReplicaId replica, std::span<const ContentId> sequence, Tokens lookups,
                    std::int64_t hits, std::int64_t from, std::int64_t to);

  /// What a prefetch would have to move out of tier `source`: its blocks, by their last engine
  /// blocks, that serve the first `limit` blocks of the sequence, up to the first that lies neither
  /// there nor nearer. Those that are being prefetched already are among them.
  [[nodiscard]] std::vector<ContentId> to_prefetch(std::size_t source, ReplicaId replica,
                                                   std::span<const ContentId> sequence,
                                                   std::int64_t limit) const;

  /// What is brought nearer beforehand.
  Prefetches& prefetches() { return prefetches_; }

  /// What the run knows of contents.
  ContentLedger& ledger() { return ledger_; }

  /// Has `watch`, which outlives it, hear what becomes of contents; HBM's policies and the tiers'
  /// must be watched() by it. Null: nobody does.
  void set_watch(CacheWatch* watch) { m_.watch = watch; }
  [[nodiscard]] CacheWatch* watch() const { return m_.watch; }

  /// What is written down, and when.
  Writes& writes() { return writes_; }

  void on(const TransferDone& event);

  [[nodiscard]] const TierCounters& hbm_counters() const { return hbm_counters_; }

  /// Marks everything that lies, or is on its way, anywhere, or is remembered (for
  /// ContentTable::collect).
  void mark_contents(FunctionRef<void(ContentId)> mark) const;

  /// Throws InvariantViolation unless every pool's books balance.
  void check_invariants() const;

 private:
  /// A tier's block that is being loaded, and which blocks [from, to) of the sequence it serves.
  struct Source {
    std::size_t tier = 0;
    BlockId block;
    std::int64_t from = 0;
    std::int64_t to = 0;
  };

  struct Load {
    ReplicaId replica;
    RequestId request;
    std::int32_t pending = 0;  // transfers still to arrive
    SimTime since{};
    std::int64_t from = 0;
    std::vector<ContentId> contents;  // of the blocks from `from` on
    std::vector<Source> sources;
  };

  [[nodiscard]] std::size_t nearest_with(ReplicaId replica, std::span<const ContentId> sequence,
                                         std::int64_t position) const;
  [[nodiscard]] Move move_up(ReplicaId replica, std::size_t tier, std::int64_t blocks,
                             std::int64_t tier_blocks) const;
  void finish_load(std::uint32_t index);
  void promote(const Load& load, const Source& source);

  ContentLedger& ledger_;
  Memories m_;
  Writes writes_{m_};
  Prefetches prefetches_{m_, writes_};
  std::vector<Load> loads_;
  std::vector<std::uint32_t> free_loads_;
  TierCounters hbm_counters_;
};

}  // namespace terrace
