#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "calibrate/labs/slot_file.hpp"
#include "sim/base/id.hpp"
#include "sim/base/units.hpp"
#include "sim/kv/block_pool.hpp"

namespace terrace::labs {

struct BlockStoreRules {
  Bytes block{};                          // what one is large
  std::int64_t memory_slots = 0;          // blocks of the first tier
  std::int64_t file_slots = 0;            // of the second; 0: there is none
  std::filesystem::path directory = ".";  // of the file
  unsigned depth = 32;                    // commands in flight
};

/// What went one way.
struct BlockFlow {
  std::int64_t blocks = 0;
  Bytes bytes{};
  Duration time{};  // that a caller waited

  [[nodiscard]] Bandwidth rate() const {
    return Bandwidth{static_cast<double>(bytes.count()) / seconds(time)};
  }
};

struct StoreTier {
  BlockFlow in;              // put or promoted into memory; written to the file
  BlockFlow out;             // served to whoever loads
  std::int64_t skipped = 0;  // blocks for which all places were in use
};

/// Blocks of KV below the pool that computes: a memory, and a file behind it, really there. It does
/// what a simulated hierarchy does with
///
///   tiers:
///     - {name: dram, medium: dram, write: back, inclusion: inclusive, eviction: {policy: lru}}
///     - {name: nvme, medium: nvme, write: back, inclusion: inclusive, eviction: {policy: lru},
///        promotion: on_hit}
///
/// The memory is offered what the pool evicts, the file what the memory evicts; what is there
/// already is not written again. A load leaves every copy where it is; what comes from the file
/// leaves one in memory too, which may drive others out. Of a sequence the tail leaves first.
/// Unlike there, a call returns when all is done. For one thread at a time.
class BlockStore {
 public:
  /// Throws std::runtime_error as calibrate::TestFile does.
  explicit BlockStore(const BlockStoreRules& rules);

  struct Block {
    ContentId content;
    std::span<const std::byte> bytes;
  };
  struct Wanted {
    ContentId content;
    std::span<std::byte> to;
  };

  /// Takes what the pool evicts, in that order. Throws std::system_error if the disk fails.
  void put(std::span<const Block> evicted);

  /// How many contents in front are here, in either tier.
  [[nodiscard]] std::int64_t count_found(std::span<const ContentId> sequence) const;

  /// A request came for this sequence: what is here of it was used now, the last block first.
  void looked_up(std::span<const ContentId> sequence);

  /// Brings blocks of one sequence, in its order, as many at a time as the disk takes.
  /// REQUIRES: count_found() of all. Throws std::system_error if the disk fails.
  void load(std::span<const Wanted> blocks);

  [[nodiscard]] const StoreTier& memory() const { return memory_traffic_; }
  [[nodiscard]] const StoreTier& file() const { return file_traffic_; }
  /// Blocks that lie in each.
  [[nodiscard]] std::int64_t memory_blocks() const { return memory_pool_.occupied_blocks(); }
  [[nodiscard]] std::int64_t file_blocks() const { return file_pool_.occupied_blocks(); }
  /// Nothing if there is no file.
  [[nodiscard]] const SlotFile* slot_file() const { return file_ ? &*file_ : nullptr; }

 private:
  /// A place in memory for what is not there, held; what leaves for it goes to the file.
  std::optional<BlockId> place_in_memory(ContentId content, std::span<const std::byte> bytes);
  void write_down(ContentId content, std::span<const std::byte> bytes);
  void finish_writes();
  void read_memory(const Wanted& block, BlockId slot);
  void read_file(std::span<const Wanted> blocks, std::span<const BlockId> slots);
  /// All of them, whichever tier they are in: the slot, and whether it is the memory's.
  struct Source {
    BlockId slot;
    bool in_memory = false;
  };
  [[nodiscard]] Source source_of(ContentId content) const;

  BlockStoreRules rules_;
  BlockPool memory_pool_;
  BlockPool file_pool_;
  std::optional<SlotFile> file_;
  std::size_t slot_bytes_ = 0;
  SlotMemory memory_;
  SlotMemory staging_;                  // of reads that are under way, `depth` at a time
  std::vector<ContentId> evicted_;      // from memory, at most one: it is written down at once
  std::vector<BlockId> being_written_;  // places of the file, held until they are
  StoreTier memory_traffic_;
  StoreTier file_traffic_;
};

}  // namespace terrace::labs
