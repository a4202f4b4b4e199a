#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
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

  void remove(BlockId block) { take_out(states_[block.index()]); }

  void change(BlockId block, const Rank& rank) {
    State& state = states_[block.index()];
    state.rank = rank;
    if (state.place != kOut) settle(state.place, block);
  }

  void pin(BlockId block) { states_[block.index()].pinned = true; }

  void unpin(BlockId block) {
    State& state = states_[block.index()];
    state.pinned = false;
    if (state.place != kOut) return;
    heap_.push_back(block);
    settle(heap_.size() - 1, block);
  }

  /// The lowest block that is not pinned; none if there is none.
  BlockId evictable() {
    while (!heap_.empty() && state(0).pinned) take_out(state(0));
    return heap_.empty() ? BlockId::none() : heap_.front();
  }

 private:
  static constexpr std::size_t kOut = 0xFFFFFFFF;
  static constexpr std::size_t kWays = 4;

  struct State {
    Rank rank{};
    std::size_t place = kOut;  // in heap_
    bool pinned = false;
  };

  State& state(std::size_t place) { return states_[heap_[place].index()]; }

  void put(std::size_t place, BlockId block) {
    heap_[place] = block;
    states_[block.index()].place = place;
  }

  void take_out(State& gone) {
    const std::size_t place = gone.place;
    if (place == kOut) return;
    gone.place = kOut;
    const BlockId last = heap_.back();
    heap_.pop_back();
    if (place < heap_.size()) settle(place, last);
  }

  /// Puts `block` where it belongs, given a hole at `place`.
  void settle(std::size_t place, BlockId block) {
    const Rank& rank = states_[block.index()].rank;
    while (place > 0 && rank < state((place - 1) / kWays).rank) {
      put(place, heap_[(place - 1) / kWays]);
      place = (place - 1) / kWays;
    }
    for (;;) {
      const std::size_t first = place * kWays + 1;
      if (first >= heap_.size()) break;
      std::size_t least = first;
      for (std::size_t i = first + 1; i < std::min(first + kWays, heap_.size()); ++i) {
        if (state(i).rank < state(least).rank) least = i;
      }
      if (!(state(least).rank < rank)) break;
      put(place, heap_[least]);
      place = least;
    }
    put(place, block);
  }

  std::vector<BlockId> heap_;
  std::vector<State> states_;
};

}  // namespace terrace
