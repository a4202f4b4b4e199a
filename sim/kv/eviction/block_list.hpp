#pragma once

#include <cstdint>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/base/id.hpp"

namespace terrace {

/// A doubly linked list of blocks threaded through a vector: O(1) everywhere, no node allocation.
/// Where one list is enough, its eight bytes a block are a quarter faster than IdQueues.
class BlockList {
 public:
  [[nodiscard]] bool contains(BlockId block) const {
    return block.index() < links_.size() && links_[block.index()].after != kAbsent;
  }
  [[nodiscard]] bool empty() const { return front_ == kEnd; }

  /// The first and the last block; none if there is none.
  [[nodiscard]] BlockId front() const { return empty() ? BlockId::none() : BlockId{front_}; }
  [[nodiscard]] BlockId back() const { return empty() ? BlockId::none() : BlockId{back_}; }

  /// REQUIRES: !contains(block).
  void push_back(BlockId block) {
    const auto i = static_cast<std::uint32_t>(block.index());
    if (i >= links_.size()) links_.resize(i + std::size_t{1});
    TERRACE_CHECK(links_[i].after == kAbsent);
    links_[i] = {back_, kEnd};
    (back_ == kEnd ? front_ : links_[back_].after) = i;
    back_ = i;
  }

  /// REQUIRES: contains(block).
  void remove(BlockId block) {
    const Link gone = links_[block.index()];
    TERRACE_CHECK(gone.after != kAbsent);
    (gone.before == kEnd ? front_ : links_[gone.before].after) = gone.after;
    (gone.after == kEnd ? back_ : links_[gone.after].before) = gone.before;
    links_[block.index()] = {};
  }

 private:
  static constexpr std::uint32_t kEnd = 0xFFFFFFFF;
  static constexpr std::uint32_t kAbsent = 0xFFFFFFFE;

  struct Link {
    std::uint32_t before = kEnd;
    std::uint32_t after = kAbsent;
  };

  std::vector<Link> links_;
  std::uint32_t front_ = kEnd;
  std::uint32_t back_ = kEnd;
};

}  // namespace terrace
