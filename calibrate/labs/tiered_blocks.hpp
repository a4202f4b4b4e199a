#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "calibrate/labs/block_cache.hpp"
#include "calibrate/labs/machine.hpp"
#include "sim/base/units.hpp"

namespace terrace::labs {

struct TierCounts {
  std::int64_t served = 0;   // blocks that requests found here, and nowhere nearer
  std::int64_t read = 0;     // blocks that loads moved
  std::int64_t written = 0;  // blocks
  std::int64_t skipped = 0;  // writes for which all places were in use
  std::int64_t loads = 0;    // each of one request
  Duration load_time{};      // until the arrival, from when there is room for it; summed

  friend bool operator==(const TierCounts&, const TierCounts&) = default;
};

/// The pool that the model computes in, and the tiers below it. What a memory evicts is written to
/// the next; what is loaded from the second tier or below stays in those it passes.
class TieredBlocks {
 public:
  TieredBlocks(std::int64_t blocks, std::span<const std::int64_t> tiers, Machine& machine);

  [[nodiscard]] BlockCache& pool() { return pool_; }

  /// A block of the pool; what this evicts is written down by settle().
  std::int32_t take();

  /// How many of these blocks, from `from` on, could be loaded without a gap.
  [[nodiscard]] std::int64_t below(std::span<const BlockName> names, std::int64_t from) const;

  /// A request came whose prompt has these blocks, of which [from, to) are about to be loaded.
  void looked_up(std::span<const BlockName> names, std::int64_t from, std::int64_t to);

  /// Loads names[from .. to) into blocks[from .. to).
  void load(std::span<const BlockName> names, std::span<const std::int32_t> blocks,
            std::int64_t from, std::int64_t to);

  /// Starts what the decisions of a step ask for.
  void settle();
  void await_loads();
  /// Takes note of what has arrived by itself.
  void poll();
  /// Waits for all writes.
  void drain();

  [[nodiscard]] const std::vector<TierCounts>& counts() const { return counts_; }

 private:
  struct Leaving {
    BlockName name = 0;
    std::int32_t block = 0;
  };
  struct Source {
    std::size_t tier = 0;
    std::int32_t slot = 0;
    std::int32_t block = 0;  // of the pool
    BlockName name = 0;
  };
  struct Load {
    SimTime start{};
    std::size_t pending = 0;  // tiers still to arrive
    std::vector<Source> sources;
  };

  [[nodiscard]] std::optional<std::size_t> nearest(BlockName name) const;
  std::optional<std::int32_t> make_room(std::size_t tier, BlockName name);
  void demote(std::size_t tier, std::span<const Leaving> leaving);
  void handle(const Arrived& arrived);
  void finish(const Load& load);

  Machine& machine_;
  BlockCache pool_;
  std::vector<BlockCache> tiers_;
  std::vector<std::deque<std::int32_t>> writing_;  // of each tier: blocks on their way to it
  std::vector<Leaving> evicted_;                   // from the pool, since settle()
  std::map<std::size_t, Load> loading_;
  std::size_t next_load_ = 0;
  std::vector<TierCounts> counts_;
};

}  // namespace terrace::labs
