#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/base/id.hpp"
#include "sim/kv/memories.hpp"
#include "sim/kv/write_streams.hpp"

namespace terrace {

/// How KV gets into the tiers: what each is offered, and what it takes.
///
/// A tier that is written `through` is offered every block that is complete in HBM, once; a
/// `selective` one, at each use, blocks that have been used so often and are not there; either from
/// the previous such tier once it is there. A tier that is written `back` is offered what the
/// memory right above evicts; `back_batched` ones keep it in the staging buffer until a batch is
/// full, or the tier has no room for more, and what is left at the end of a run stays unwritten.
/// The tier's admission rule decides, then the queue, then the tier's policy if it is full.
///
/// Writes are transfers of the fabric (see WriteStreams): until one has arrived its block cannot be
/// found below.
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
  [[nodiscard]] bool block_engine(ReplicaId replica) const {
    return streams_.block_engine(replica);
  }

  /// A block of the tier for `content`, held and announced; what it evicts goes further down. None
  /// if the tier has the content, does not want it, or has no room that is not in use.
  BlockId announce(std::size_t tier, std::uint32_t part, ContentId content);

  /// A batch of the stream has arrived.
  void arrived(std::uint32_t stream);

 private:
  bool gather(const BlockPool& pool, std::int64_t step, std::int64_t ratio, ContentId last,
              std::span<const ContentId> leaving, std::vector<BlockId>& found) const;
  void pass_down(std::size_t from_tier, std::uint32_t part, ContentId content);
  void write(std::uint32_t stream, ContentId content, std::span<const BlockId> held);
  void demote(std::uint32_t stream, const BlockPool& above, std::int64_t step,
              std::vector<ContentId>& evicted);
  [[nodiscard]] bool lies_elsewhere(ReplicaId replica, BlockId block, ContentId content,
                                    const std::vector<std::uint32_t>& part_of) const;
  [[nodiscard]] bool used_enough(std::size_t tier, std::uint32_t part, ContentId content) const;
  std::uint32_t& uses(std::size_t tier, std::uint32_t part, ContentId content);
  void offer_used(std::size_t tier, ReplicaId replica, std::span<const BlockId> blocks,
                  std::span<const ContentId> sequence, std::int64_t end);
  [[nodiscard]] std::uint32_t stream_into(std::size_t fed, ReplicaId replica) const;

  Memories& m_;
  WriteStreams streams_;
  std::vector<std::vector<std::vector<std::uint32_t>>> uses_;  // selective tier -> part -> content
  std::vector<std::vector<ContentId>> hbm_evicted_;            // replica -> not settled yet
  std::vector<std::vector<std::vector<ContentId>>> tier_evicted_;  // tier -> part -> not settled
  std::vector<BlockId> scratch_;
  std::vector<BlockId> held_;
};

}  // namespace terrace
