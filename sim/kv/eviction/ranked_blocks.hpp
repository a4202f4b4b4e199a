#pragma once

#include "sim/base/check.hpp"
#include "sim/base/id.hpp"
#include "sim/kv/eviction/block_heaps.hpp"

namespace terrace {

/// The blocks of a policy that gives each a rank, from its arrival on, and evicts the lowest of
/// those that are not pinned. Ranks are totally ordered: a policy adds what breaks ties. Changes
/// cost O(log idle blocks).
template <class Rank>
class RankedBlocks {
 public:
  [[nodiscard]] const Rank& rank(BlockId block) const { return idle_.key(block); }

  /// Pinned.
  void insert(BlockId block, const Rank& rank) {
    TERRACE_CHECK(!idle_.contains(block));
    idle_.change(block, rank);
  }

  void remove(BlockId block) {
    if (idle_.contains(block)) idle_.remove(block);
  }

  void change(BlockId block, const Rank& rank) { idle_.change(block, rank); }
  void pin(BlockId block) { idle_.remove(block); }
  void unpin(BlockId block) { idle_.push(block, Rank(rank(block))); }

  /// The lowest block that is not pinned; none if there is none.
  [[nodiscard]] BlockId evictable() const { return idle_.first(); }

  /// The same but for `block`.
  [[nodiscard]] BlockId evictable_but(BlockId block) const { return idle_.first_but(block); }

 private:
  BlockHeaps<Rank> idle_;
};

}  // namespace terrace
