#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/base/id.hpp"
#include "sim/kv/memories.hpp"

namespace terrace {

/// Whether a tier is offered blocks while the memory above keeps them: `through` or `selective`.
/// Others are offered what the memory right above evicts.
bool is_fed(const Tier& tier);

/// The tiers that are fed: each from the one before it, the first from HBM. As many as there are
/// tiers stands for none.
struct FedTiers {
  explicit FedTiers(const std::vector<Tier>& tiers);

  std::size_t first;
  std::vector<std::size_t> below;  // tier -> the nearest of them that lies below it
  std::vector<std::size_t> above;  // one of them -> the one before it
};

/// Writes between the same two memories, which follow each other in batches as on a copy stream:
/// while one moves, the next ones wait in the stream's queue. Source blocks are held until what is
/// copied from them has arrived; what was evicted leaves through a staging buffer and holds none.
class WriteStreams {
 public:
  explicit WriteStreams(Memories& memories);

  [[nodiscard]] const FedTiers& fed() const { return fed_; }

  /// The streams into a tier: from the HBM of a replica; from a part of the tier above, which for a
  /// fed tier is the fed one before it.
  [[nodiscard]] std::uint32_t from_hbm(std::size_t tier, ReplicaId replica) const {
    return from_hbm_[tier][replica.index()];
  }
  [[nodiscard]] std::uint32_t from_above(std::size_t tier, std::uint32_t part_above) const {
    return from_above_[tier][part_above];
  }

  /// Where a stream ends.
  [[nodiscard]] std::size_t tier(std::uint32_t stream) const { return streams_[stream].tier; }
  [[nodiscard]] std::uint32_t part(std::uint32_t stream) const { return streams_[stream].part; }

  /// Makes room in the queue; false if it stays full and the write is to be left out.
  bool make_way(std::uint32_t stream);

  /// Queues one block, announced in the stream's tier, and holds what it is copied from: as many
  /// blocks of the memory above as make one, or none if it was evicted there.
  void enqueue(std::uint32_t stream, BlockId target, std::span<const BlockId> sources);

  /// Sends what waits, unless a batch is moving, is not full yet, or has to wait for a queue below.
  void start_if_idle(std::uint32_t stream);
  void start_all_into(std::size_t tier, std::uint32_t part);

  /// Whether a queue that blocks is full: HBM may not evict or complete more until it is not.
  [[nodiscard]] bool block_engine(ReplicaId replica) const;

  /// The blocks of the tier that are on their way to it.
  [[nodiscard]] std::span<const BlockId> moving(std::uint32_t stream) const {
    return streams_[stream].moving;
  }

  /// They have arrived: lets go of them and of what they were copied from, and starts the next.
  void finish(std::uint32_t stream);

 private:
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

  void add_from_hbm(std::size_t tier, ReplicaId replica);
  void add_from_above(std::size_t tier, std::size_t above, std::uint32_t part);
  [[nodiscard]] bool is_full(const Stream& stream) const;
  [[nodiscard]] bool blocks(const Stream& stream) const;
  [[nodiscard]] bool blocked_below(const Stream& stream) const;
  void drop_oldest(Stream& stream);

  Memories& m_;
  FedTiers fed_;
  std::vector<Stream> streams_;
  std::vector<std::vector<std::uint32_t>> from_hbm_;    // tier -> replica -> stream
  std::vector<std::vector<std::uint32_t>> from_above_;  // tier -> part above -> stream
};

}  // namespace terrace
