#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace terrace::labs {

/// What a full block holds: its tokens and all before them. Equal names are equal texts.
using BlockName = std::int64_t;

/// Names blocks by comparing what they hold.
class BlockNames {
 public:
  /// The name of the block of these tokens that follows `before`; 0 before the first.
  BlockName of(BlockName before, const std::vector<std::int32_t>& tokens);

 private:
  std::map<std::pair<BlockName, std::vector<std::int32_t>>, BlockName> known_;
};

/// The blocks of one memory, as vLLM keeps them: a block that nobody holds can be found until its
/// place is taken, the least recently used first.
class BlockCache {
 public:
  /// A place, and what was lost with it: the last copy of a name.
  struct Taken {
    std::int32_t block = 0;
    std::optional<BlockName> lost;
  };

  explicit BlockCache(std::int64_t capacity) : capacity_(capacity) {}

  [[nodiscard]] std::int64_t free_blocks() const { return capacity_ - held_; }
  [[nodiscard]] std::int64_t held_blocks() const { return held_; }
  [[nodiscard]] std::int64_t peak_held() const { return peak_held_; }

  /// The copy that was named first.
  [[nodiscard]] std::optional<std::int32_t> find(BlockName name) const;
  [[nodiscard]] bool held(std::int32_t block) const { return at(block).users > 0; }
  [[nodiscard]] bool readable(std::int32_t block) const { return at(block).readable; }

  /// A block without a name, held once. REQUIRES: free_blocks() > 0.
  Taken take();
  void hold(std::int32_t block);
  void release(std::int32_t block);

  /// From now on `block` is found by that name, and can be read once it is `readable`.
  void name(std::int32_t block, BlockName name, bool readable = true);
  void arrived(std::int32_t block) { at(block).readable = true; }

  /// A free block is now the most recently used.
  void touch(std::int32_t block);

 private:
  struct Slot {
    BlockName name = 0;  // none
    std::int64_t users = 0;
    bool readable = true;
  };

  [[nodiscard]] Slot& at(std::int32_t block) { return slots_[static_cast<std::size_t>(block)]; }
  [[nodiscard]] const Slot& at(std::int32_t block) const {
    return slots_[static_cast<std::size_t>(block)];
  }

  std::int64_t capacity_;
  std::int64_t held_ = 0;
  std::int64_t peak_held_ = 0;
  std::vector<Slot> slots_;          // used so far
  std::vector<std::int32_t> empty_;  // free and without a name; the last goes first
  std::list<std::int32_t> idle_;     // free, with a name; the least recently used in front
  std::map<BlockName, std::vector<std::int32_t>> copies_;
};

}  // namespace terrace::labs
