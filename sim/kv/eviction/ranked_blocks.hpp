#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/base/id.hpp"

namespace terrace {

/// The blocks of a policy that gives each a rank and evicts the lowest. Ranks are totally ordered:
/// a policy adds what breaks ties. A pinned block keeps its place until a search for a victim meets
/// it, and comes back with its rank when it is unpinned. Changes cost O(log blocks).
template <class Rank>
class RankedBlocks {
 public:
  [[nodiscard]] const Rank& rank(BlockId block) const { return states_[block.index()].rank; }

  /// Pinned.
  void insert(BlockId block, const Rank& rank) {
    if (block.index() >= states_.size()) states_.resize(block.index() + 1);
    State& state = states_[block.index()];
    TERRACE_CHECK(state.place == kOut);
    state = {rank, kOut, true};
  }

  void remove(BlockId block) {
    if (states_[block.index()].place != kOut) take_out(block);
  }

  void change(BlockId block, const Rank& rank) {
    State& state = states_[block.index()];
    state.rank = rank;
    if (state.place != kOut) settle(state.place, block);
  }

  void pin(BlockId block) {
    State& state = states_[block.index()];
    state.pinned = true;
    if (state.place != kOut) ++pinned_inside_;
  }

  void unpin(BlockId block) {
    State& state = states_[block.index()];
    state.pinned = false;
    if (state.place != kOut) {
      --pinned_inside_;
    } else {
      heap_.push_back(block);
      settle(heap_.size() - 1, block);
    }
  }

  /// The lowest block that is not pinned; none if there is none.
  BlockId evictable() {
    while (!heap_.empty() && states_[heap_.front().index()].pinned) {
      if (2 * pinned_inside_ > heap_.size()) {
        take_out_all_pinned();
      } else {
        take_out(heap_.front());
      }
    }
    return heap_.empty() ? BlockId::none() : heap_.front();
  }

  /// The lowest of the blocks that did not step aside, but for `block`; none if there is no other.
  [[nodiscard]] BlockId lowest_but(BlockId block) const {
    BlockId lowest = BlockId::none();
    for (std::size_t i = 0; i < std::min(kWays + 1, heap_.size()); ++i) {
      if (heap_[i] == block) continue;
      if (lowest == BlockId::none() || rank(heap_[i]) < rank(lowest)) lowest = heap_[i];
    }
    return lowest;
  }

 private:
  static constexpr std::size_t kOut = 0xFFFFFFFF;
  static constexpr std::size_t kWays = 4;

  struct State {
    Rank rank{};
    std::size_t place = kOut;  // in heap_
    bool pinned = false;
  };

  [[nodiscard]] const Rank& rank_at(std::size_t place) const { return rank(heap_[place]); }

  void put(std::size_t place, BlockId block) {
    heap_[place] = block;
    states_[block.index()].place = place;
  }

  void take_out(BlockId block) {
    State& gone = states_[block.index()];
    if (gone.pinned) --pinned_inside_;
    const std::size_t place = std::exchange(gone.place, kOut);
    const BlockId last = heap_.back();
    heap_.pop_back();
    if (place < heap_.size()) settle(place, last);
  }

  /// At once, in proportion to the heap: cheaper than one by one if most go.
  void take_out_all_pinned() {
    std::erase_if(heap_, [this](BlockId block) {
      State& state = states_[block.index()];
      if (state.pinned) state.place = kOut;
      return state.pinned;
    });
    pinned_inside_ = 0;
    for (std::size_t i = heap_.size(); i-- > 0;) sink(i, heap_[i]);
  }

  /// Puts `block` where it belongs, given a hole at `place`.
  void settle(std::size_t place, BlockId block) {
    const Rank& rank = states_[block.index()].rank;
    for (; place > 0 && rank < rank_at((place - 1) / kWays); place = (place - 1) / kWays) {
      put(place, heap_[(place - 1) / kWays]);
    }
    sink(place, block);
  }

  /// The same if it does not belong above `place`.
  void sink(std::size_t place, BlockId block) {
    const Rank& rank = states_[block.index()].rank;
    for (;;) {
      const std::size_t first = place * kWays + 1;
      if (first >= heap_.size()) break;
      std::size_t least = first;
      for (std::size_t i = first + 1; i < std::min(first + kWays, heap_.size()); ++i) {
        if (rank_at(i) < rank_at(least)) least = i;
      }
      if (!(rank_at(least) < rank)) break;
      put(place, heap_[least]);
      place = least;
    }
    put(place, block);
  }

  std::vector<BlockId> heap_;
  std::vector<State> states_;
  std::size_t pinned_inside_ = 0;  // blocks of heap_ that are pinned
};

}  // namespace terrace
