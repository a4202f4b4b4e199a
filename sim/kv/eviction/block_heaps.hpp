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
  static constexpr std::uint32_t kAbsent = 0xFFFFFFFF;

 public:
  struct Entry {
    Key key{};
    std::uint64_t entered = 0;  // a count over all heaps
    BlockId block;
    std::uint32_t heap = kAbsent;
    std::uint32_t slot = 0;

    friend bool operator<(const Entry& a, const Entry& b) {
      if (a.key < b.key) return true;
      if (b.key < a.key) return false;
      return a.entered < b.entered;
    }
  };

  [[nodiscard]] bool contains(BlockId block) const {
    return block.index() < entries_.size() && entries_[block.index()].heap != kAbsent;
  }
  [[nodiscard]] std::size_t heaps() const { return heaps_.size(); }
  [[nodiscard]] bool empty(std::size_t heap) const {
    return heap >= heaps_.size() || heaps_[heap].empty();
  }
  [[nodiscard]] std::size_t size(std::size_t heap) const {
    return heap < heaps_.size() ? heaps_[heap].size() : 0;
  }

  /// REQUIRES: !empty(heap).
  [[nodiscard]] const Entry& top(std::size_t heap) const { return entry(heaps_[heap].front()); }

  /// The block on top; none if the heap is empty.
  [[nodiscard]] BlockId first(std::size_t heap = 0) const {
    return empty(heap) ? BlockId::none() : heaps_[heap].front();
  }

  /// The one that would be on top without `block`; none if there is no other.
  [[nodiscard]] BlockId first_but(BlockId block, std::size_t heap = 0) const {
    if (first(heap) != block) return first(heap);
    if (size(heap) < 2) return BlockId::none();
    return heaps_[heap][least_child(heaps_[heap], 0)];
  }

  /// The key of a block, which it keeps when it leaves its heap. REQUIRES: it was given one.
  [[nodiscard]] const Key& key(BlockId block) const { return entry(block).key; }

  /// Gives it another one, in a heap or not. Of equal keys, it still entered when it did.
  void change(BlockId block, const Key& key) {
    if (block.index() >= entries_.size()) entries_.resize(block.index() + 1);
    Entry& changed = entries_[block.index()];
    changed.key = key;
    if (changed.heap != kAbsent) settle(heaps_[changed.heap], changed.slot, block);
  }

  /// REQUIRES: !contains(block).
  void push(BlockId block, const Key& key, std::size_t heap = 0) {
    TERRACE_CHECK(!contains(block));
    if (block.index() >= entries_.size()) entries_.resize(block.index() + 1);
    if (heap >= heaps_.size()) heaps_.resize(heap + 1);
    entries_[block.index()] = {key, entered_++, block, static_cast<std::uint32_t>(heap), 0};
    heaps_[heap].push_back(block);
    settle(heaps_[heap], heaps_[heap].size() - 1, block);
  }

  /// REQUIRES: contains(block).
  void remove(BlockId block) {
    TERRACE_CHECK(contains(block));
    Entry& gone = entries_[block.index()];
    auto& blocks = heaps_[gone.heap];
    gone.heap = kAbsent;
    const BlockId last = blocks.back();
    blocks.pop_back();
    if (last != block) settle(blocks, gone.slot, last);
  }

 private:
  static constexpr std::size_t kArity = 4;

  [[nodiscard]] const Entry& entry(BlockId block) const { return entries_[block.index()]; }

  void put(std::vector<BlockId>& blocks, std::size_t slot, BlockId block) {
    blocks[slot] = block;
    entries_[block.index()].slot = static_cast<std::uint32_t>(slot);
  }

  /// REQUIRES: there is one.
  [[nodiscard]] std::size_t least_child(const std::vector<BlockId>& blocks,
                                        std::size_t slot) const {
    const std::size_t begin = slot * kArity + 1;
    const std::size_t end = std::min(begin + kArity, blocks.size());
    std::size_t least = begin;
    for (std::size_t child = begin + 1; child < end; ++child) {
      if (entry(blocks[child]) < entry(blocks[least])) least = child;
    }
    return least;
  }

  /// Puts `block` where it belongs, given a hole at `slot`.
  void settle(std::vector<BlockId>& blocks, std::size_t slot, BlockId block) {
    const Entry& moving = entry(block);
    for (std::size_t above = 0; slot > 0; slot = above) {
      above = (slot - 1) / kArity;
      if (!(moving < entry(blocks[above]))) break;
      put(blocks, slot, blocks[above]);
    }
    while (slot * kArity + 1 < blocks.size()) {
      const std::size_t least = least_child(blocks, slot);
      if (!(entry(blocks[least]) < moving)) break;
      put(blocks, slot, blocks[least]);
      slot = least;
    }
    put(blocks, slot, block);
  }

  std::vector<std::vector<BlockId>> heaps_;
  std::vector<Entry> entries_;  // by block
  std::uint64_t entered_ = 0;
};

}  // namespace terrace
