#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/base/function_ref.hpp"
#include "sim/base/id.hpp"
#include "sim/base/units.hpp"
#include "sim/des/event_loop.hpp"
#include "sim/fabric/fabric.hpp"
#include "sim/kv/block_pool.hpp"
#include "sim/kv/content_table.hpp"
#include "sim/kv/tier.hpp"

namespace terrace {

/// The HBM of one replica: its paged cache, and where it lies in the fabric.
struct HbmPart {
  MemoryId memory;
  BlockPool pool;
};

/// What one engine block weighs on the fabric.
struct BlockTraffic {
  Bytes bytes;              // on all GPUs of the replica together
  std::int64_t pieces = 1;  // separate copies that moving it takes
};

/// Blocks [from, to) of a sequence that lie in the same tier.
struct Stretch {
  std::size_t tier = 0;
  std::int64_t from = 0;
  std::int64_t to = 0;
};

/// All places where KV may live, and its ways between them.
///
/// Down: a complete block is written to the nearest write-through tier, and from there to the next;
/// a block that a memory evicts is written to the tier below if that tier says so. Writes are
/// transfers of the fabric: until one has arrived its block cannot be found below, and its source
/// is held (an evicted block leaves through a staging buffer and holds nothing). Writes between the
/// same two memories follow each other in batches, as on a copy stream.
///
/// Up: a request asks which blocks it could have and has them loaded; their sources are held until
/// they have arrived, which LoadDone tells. Nothing is ever loaded behind a request's back.
class Hierarchy {
 public:
  /// `tiers` from the nearest to the farthest, all enabled; the ratio of each is a multiple of the
  /// ratio of the one above.
  Hierarchy(EventLoop& loop, Fabric& fabric, const ContentTable& contents, std::vector<HbmPart> hbm,
            std::vector<Tier> tiers, BlockTraffic traffic);
  Hierarchy(const Hierarchy&) = delete;  // pools point at its lists of evictions
  Hierarchy& operator=(const Hierarchy&) = delete;

  [[nodiscard]] BlockPool& hbm(ReplicaId replica) { return hbm_[replica.index()].pool; }
  [[nodiscard]] const std::vector<HbmPart>& hbm_parts() const { return hbm_; }
  [[nodiscard]] const std::vector<Tier>& tiers() const { return tiers_; }
  [[nodiscard]] bool has_tiers() const { return !tiers_.empty(); }

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

  /// The KV of blocks [from, to) of a sequence is now complete in HBM.
  /// REQUIRES: the caller holds `blocks`, one for each of `sequence` up to `to`.
  void completed(ReplicaId replica, std::span<const BlockId> blocks,
                 std::span<const ContentId> sequence, std::int64_t from, std::int64_t to);

  /// Writes down what HBM has evicted since the last call, where a tier wants it.
  void settle_evictions(ReplicaId replica);

  void on(const TransferDone& event);

  [[nodiscard]] const TierCounters& hbm_counters() const { return hbm_counters_; }

  /// Marks everything that lies, or is on its way, anywhere (for ContentTable::collect).
  void mark_contents(FunctionRef<void(ContentId)> mark) const;

  /// Throws InvariantViolation unless every pool's books balance.
  void check_invariants() const;

 private:
  /// The stream of writes from one memory into one part of a tier.
  struct Channel {
    std::size_t tier = 0;
    std::uint32_t part = 0;
    ReplicaId replica = ReplicaId::none();  // whose HBM it starts from; none: from the tier above
    MemoryId from;
    BlockPool* source = nullptr;
    std::vector<BlockId> waiting;  // target blocks, announced
    std::vector<BlockId> moving;
    std::vector<BlockId> waiting_held;  // source blocks
    std::vector<BlockId> moving_held;
  };

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

  /// What a transfer is for.
  struct Errand {
    bool is_load = false;
    std::uint32_t index = 0;  // of the load or the channel
    std::size_t tier = 0;     // that is read or written
    Bytes bytes;
  };

  [[nodiscard]] std::size_t nearest_with(ReplicaId replica, std::span<const ContentId> sequence,
                                         std::int64_t position) const;
  [[nodiscard]] Move move_up(ReplicaId replica, std::size_t tier, std::int64_t blocks,
                             std::int64_t tier_blocks) const;
  bool gather(const BlockPool& pool, std::int64_t step, std::int64_t ratio, ContentId last,
              std::span<const ContentId> leaving, std::vector<BlockId>& found) const;
  BlockId announce(std::size_t tier, std::uint32_t part, ContentId content);
  void write(std::uint32_t channel, ContentId content, std::span<const BlockId> held);
  void demote(std::uint32_t channel, const BlockPool& above, std::int64_t step,
              std::vector<ContentId>& evicted);
  void start_if_idle(std::uint32_t channel);
  void finish_write(std::uint32_t channel);
  void finish_load(std::uint32_t index);
  void promote(const Load& load, const Source& source);
  void track(TransferId transfer, const Errand& errand);

  EventLoop& loop_;
  Fabric& fabric_;
  const ContentTable& contents_;
  std::vector<HbmPart> hbm_;
  std::vector<Tier> tiers_;
  BlockTraffic traffic_;
  std::vector<Channel> channels_;
  std::vector<std::vector<std::uint32_t>> from_hbm_;    // tier -> replica -> channel
  std::vector<std::vector<std::uint32_t>> from_above_;  // tier -> part of the one above -> channel
  std::size_t through_ = 0;                             // the nearest write-through tier
  std::vector<std::size_t> next_through_;               // tier -> the next one below, if any
  std::vector<std::vector<ContentId>> hbm_evicted_;     // replica -> not settled yet
  std::vector<std::vector<std::vector<ContentId>>> tier_evicted_;  // tier -> part -> not settled
  std::vector<Load> loads_;
  std::vector<std::uint32_t> free_loads_;
  std::vector<Errand> errands_;  // by TransferId
  std::vector<BlockId> scratch_;
  std::vector<BlockId> held_;
  TierCounters hbm_counters_;
};

}  // namespace terrace
