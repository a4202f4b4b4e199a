#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/base/id.hpp"
#include "sim/kv/memories.hpp"

namespace terrace {

/// How KV gets into the tiers.
///
/// A tier that is written `through` is offered every block that is complete in HBM, once; a
/// `selective` one, at each use, blocks that have been used so often and are not there; either from
/// the previous such tier once it is there. A tier that is written `back` is offered what the
/// memory right above evicts; `back_batched` ones keep it in the staging buffer until a batch is
/// full, or the tier has no room for more, and what is left at the end of a run stays unwritten.
/// The tier's admission rule decides, then the queue, then the tier's policy if it is full.
///
/// Writes are transfers of the fabric: until one has arrived its block cannot be found below, and
/// its source is held (an evicted block leaves through a staging buffer, which is the queue, and
/// holds nothing). Writes between the same two memories follow each other in batches, as on a copy
/// stream.
class Writes {
 public:
  explicit Writes(Memories& memories);
  Writes(const Writes&) = delete;  // pools point at its lists of evictions
  Writes& operator=(const Writes&) = delete;

  /// The KV of blocks [from, to) of a sequence is now complete in HBM.
  /// REQUIRES: the caller holds `blocks`, one for each of `sequence` up to `to`.
  void completed(ReplicaId replica, std::span<const BlockId> blocks,
                 std::span<const ContentId> sequence, std::int64_t from, std::int64_t to);

  /// A step has used the first `to` blocks of a sequence again, loaded ones included.
  /// REQUIRES: as completed().
  void reused(ReplicaId replica, std::span<const BlockId> blocks,
              std::span<const ContentId> sequence, std::int64_t to);

  /// The id is that of no content any more.
  void forget(ContentId content);

  /// Writes down what HBM has evicted since the last call, where a tier wants it.
  void settle_evictions(ReplicaId replica);

  /// Whether a queue that blocks is full: HBM may not evict or complete more until it is not.
  [[nodiscard]] bool block_engine(ReplicaId replica) const;

  /// A block of the tier for `content`, held and announced; what it evicts goes further down. None
  /// if the tier has the content, does not want it, or has no room that is not in use.
  BlockId announce(std::size_t tier, std::uint32_t part, ContentId content);

  /// A batch of the stream has arrived.
  void arrived(std::uint32_t stream);

 private:
  /// The stream of writes from one memory into one part of a tier.
  struct Stream {
    std::size_t tier = 0;
    std::uint32_t part = 0;
    ReplicaId replica = ReplicaId::none();  // whose HBM it starts from; none: from the tier above
    std::size_t above = 0;                  // else the tier and part that it starts from
    std::uint32_t above_part = 0;
    MemoryId from;
    BlockPool* source = nullptr;
    std::size_t sources_per_block = 0;  // source blocks held for each target; 0: evicted ones
    std::vector<BlockId> waiting;       // target blocks, announced
    std::vector<BlockId> moving;
    std::vector<BlockId> waiting_held;  // source blocks
    std::vector<BlockId> moving_held;
  };

  [[nodiscard]] bool is_full(const Stream& stream) const;
  [[nodiscard]] bool blocks(const Stream& stream) const;
  [[nodiscard]] bool blocked_below(const Stream& stream) const;
  bool make_way(Stream& stream);
  bool gather(const BlockPool& pool, std::int64_t step, std::int64_t ratio, ContentId last,
              std::span<const ContentId> leaving, std::vector<BlockId>& found) const;
  void pass_down(std::size_t from_tier, std::uint32_t part, ContentId content);
  void write(std::uint32_t stream, ContentId content, std::span<const BlockId> held);
  void demote(std::uint32_t stream, const BlockPool& above, std::int64_t step,
              std::vector<ContentId>& evicted);
  void start_if_idle(std::uint32_t stream);
  void start_writers(std::size_t tier, std::uint32_t part);
  [[nodiscard]] bool lies_elsewhere(ReplicaId replica, BlockId block, ContentId content,
                                    const std::vector<std::uint32_t>& part_of) const;
  [[nodiscard]] bool used_enough(std::size_t tier, std::uint32_t part, ContentId content) const;
  std::uint32_t& uses(std::size_t tier, std::uint32_t part, ContentId content);
  void offer_used(std::size_t tier, ReplicaId replica, std::span<const BlockId> blocks,
                  std::span<const ContentId> sequence, std::int64_t end);
  [[nodiscard]] std::uint32_t stream_into(std::size_t fed, ReplicaId replica) const;

  Memories& m_;
  std::vector<Stream> streams_;
  std::vector<std::vector<std::uint32_t>> from_hbm_;    // tier -> replica -> stream
  std::vector<std::vector<std::uint32_t>> from_above_;  // tier -> part of its feeder -> stream
  std::size_t first_fed_ = 0;                           // the nearest through or selective tier
  std::vector<std::size_t> next_fed_;                   // tier -> the next one below, if any
  std::vector<std::size_t> fed_from_;                   // fed tier -> the one above, if any
  std::vector<std::vector<std::vector<std::uint32_t>>> uses_;  // selective tier -> part -> content
  std::vector<std::vector<ContentId>> hbm_evicted_;            // replica -> not settled yet
  std::vector<std::vector<std::vector<ContentId>>> tier_evicted_;  // tier -> part -> not settled
  std::vector<BlockId> scratch_;
  std::vector<BlockId> held_;
};

}  // namespace terrace
