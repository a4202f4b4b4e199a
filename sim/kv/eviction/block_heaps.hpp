#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/base/id.hpp"

namespace terrace {

/// Heaps over the blocks of one pool, numbered from zero; a block is in at most one of them. The
/// least key is on top; of equal keys the one that entered first. O(log n), top and lookups O(1).
template <class Key>
class BlockHeaps {
 public:
  struct Entry {
    Key key{};
    std::uint64_t entered = 0;  // a count over all heaps
    BlockId block;

    friend bool operator<(const Entry& a, const Entry& b) {
      if (a.key < b.key) return true;
      if (b.key < a.key) return false;
      return a.entered < b.entered;
    }
  };

  [[nodiscard]] bool contains(BlockId block) const {
    return block.index() < places_.size() && places_[block.index()].heap != kAbsent;
  }
  [[nodiscard]] std::size_t heaps() const { return heaps_.size(); }
  [[nodiscard]] bool empty(std::size_t heap) const {
    return heap >= heaps_.size() || heaps_[heap].empty();
  }
  [[nodiscard]] std::size_t size(std::size_t heap) const {
    return heap < heaps_.size() ? heaps_[heap].size() : 0;
  }

  /// REQUIRES: !empty(heap).
  [[nodiscard]] const Entry& top(std::size_t heap) const { return heaps_[heap].front(); }

  /// The block on top; none if the heap is empty.
  [[nodiscard]] BlockId first(std::size_t heap = 0) const {
    return empty(heap) ? BlockId::none() : top(heap).block;
  }

  /// The one that would be on top without `block`; none if there is no other.
  [[nodiscard]] BlockId first_but(BlockId block, std::size_t heap = 0) const {
    if (first(heap) != block) return first(heap);
    if (size(heap) < 2) return BlockId::none();
    return heaps_[heap][least_child(heaps_[heap], 0)].block;
  }

  /// REQUIRES: !contains(block).
  void push(BlockId block, const Key& key, std::size_t heap = 0) {
    TERRACE_CHECK(!contains(block));
    if (block.index() >= places_.size()) places_.resize(block.index() + 1);
    if (heap >= heaps_.size()) heaps_.resize(heap + 1);
    auto& entries = heaps_[heap];
    places_[block.index()].heap = static_cast<std::uint32_t>(heap);
    entries.push_back({key, entered_++, block});
    sift_up(entries, entries.size() - 1);
  }

  /// Of equal keys, it still entered when it did. REQUIRES: contains(block).
  void change(BlockId block, const Key& key) {
    TERRACE_CHECK(contains(block));
    const Place place = places_[block.index()];
    heaps_[place.heap][place.slot].key = key;
    settle(heaps_[place.heap], place.slot);
  }

  /// REQUIRES: contains(block).
  void remove(BlockId block) {
    TERRACE_CHECK(contains(block));
    const Place gone = places_[block.index()];
    places_[block.index()] = {};
    auto& entries = heaps_[gone.heap];
    const Entry last = entries.back();
    entries.pop_back();
    if (gone.slot == entries.size()) return;
    entries[gone.slot] = last;
    settle(entries, gone.slot);
  }

 private:
  static constexpr std::uint32_t kAbsent = 0xFFFFFFFF;
  static constexpr std::size_t kArity = 4;

  struct Place {
    std::uint32_t heap = kAbsent;
    std::uint32_t slot = 0;
  };

  void put(std::vector<Entry>& entries, std::size_t slot, const Entry& entry) {
    entries[slot] = entry;
    places_[entry.block.index()].slot = static_cast<std::uint32_t>(slot);
  }

  /// REQUIRES: there is one.
  static std::size_t least_child(const std::vector<Entry>& entries, std::size_t slot) {
    const std::size_t begin = slot * kArity + 1;
    const std::size_t end = std::min(begin + kArity, entries.size());
    std::size_t least = begin;
    for (std::size_t child = begin + 1; child < end; ++child) {
      if (entries[child] < entries[least]) least = child;
    }
    return least;
  }

  /// Takes what stands in `slot` to where it belongs.
  void settle(std::vector<Entry>& entries, std::size_t slot) {
    sift_down(entries, sift_up(entries, slot));
  }

  std::size_t sift_up(std::vector<Entry>& entries, std::size_t slot) {
    const Entry rising = entries[slot];
    while (slot > 0) {
      const std::size_t parent = (slot - 1) / kArity;
      if (!(rising < entries[parent])) break;
      put(entries, slot, entries[parent]);
      slot = parent;
    }
    put(entries, slot, rising);
    return slot;
  }

  void sift_down(std::vector<Entry>& entries, std::size_t slot) {
    const Entry sinking = entries[slot];
    while (slot * kArity + 1 < entries.size()) {
      const std::size_t least = least_child(entries, slot);
      if (!(entries[least] < sinking)) break;
      put(entries, slot, entries[least]);
      slot = least;
    }
    put(entries, slot, sinking);
  }

  std::vector<std::vector<Entry>> heaps_;
  std::vector<Place> places_;  // by block
  std::uint64_t entered_ = 0;
};

}  // namespace terrace
