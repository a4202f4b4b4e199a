#pragma once

#include <cstddef>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/kv/eviction/block_heaps.hpp"
#include "sim/kv/eviction/policy.hpp"

namespace terrace {

/// The facts that a policy which asks for some is made with.
inline const BlockFacts& facts_of(const EvictionContext& context) {
  TERRACE_CHECK(context.facts != nullptr);
  return *context.facts;
}

/// What policies that rank blocks by a key have in common. Only idle blocks are ranked, anew
/// whenever the last user leaves or, in a replay, a block is read while idle. Blocks without
/// content are of no use to anybody and go first, in the order in which they became free.
template <class Key>
class RankedPolicy : public EvictionPolicy {
 public:
  void on_insert(BlockId block, ContentId content) override {
    if (block.index() >= contents_.size()) contents_.resize(block.index() + 1, ContentId::none());
    contents_[block.index()] = content;
  }
  void on_access(BlockId block) override {
    if (!idle_.contains(block)) return;  // in use: ranked when its last user leaves
    unrank(block);
    on_unpin(block);
  }
  void on_pin(BlockId block) override { unrank(block); }
  void on_unpin(BlockId block) override {
    if (content(block) == ContentId::none()) {
      idle_.push(block, Key{}, kEmpty);
    } else {
      rank(block);
    }
  }
  void on_remove(BlockId block) override { unrank(block); }
  BlockId victim(ContentId) override {
    return idle_.empty(kEmpty) ? most_expendable() : idle_.first(kEmpty);
  }

 protected:
  static constexpr std::size_t kEmpty = 0;  // the heap of blocks without content
  static constexpr std::size_t kRanks = 1;  // the first heap that is a policy's own

  [[nodiscard]] ContentId content(BlockId block) const { return contents_[block.index()]; }

  /// Puts a block with content, which has just become idle, into one of `idle_` from kRanks on.
  virtual void rank(BlockId block) = 0;
  virtual void unrank(BlockId block) { idle_.remove(block); }

  /// Among the blocks with content; none if there is none.
  virtual BlockId most_expendable() { return idle_.first(kRanks); }

  BlockHeaps<Key> idle_;

 private:
  std::vector<ContentId> contents_;  // by block
};

}  // namespace terrace
