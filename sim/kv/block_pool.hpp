#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "sim/base/id.hpp"
#include "sim/kv/eviction/policy.hpp"

namespace terrace {

/// A memory divided into KV blocks: the paged cache in HBM, and every tier below it.
///
/// A block is free (nobody holds it: it may still carry content that can be found and revived), or
/// held by one or more users. allocate() hands out an empty block or, failing that, the one the
/// policy names, whose content is then lost here. Two blocks may carry the same content, as in
/// vLLM; find() gives the one published first.
///
/// Invariants: held + free = capacity; a free block that carries content is in the policy's reach,
/// a held one is not.
class BlockPool {
 public:
  static constexpr std::int64_t kUnlimited = std::int64_t{1} << 32U;

  /// Where a block without content goes when it is freed. vLLM (2026) reuses it first; before that
  /// it queued behind all others like any block.
  enum class EmptyBlocks { reused_first, ranked };

  BlockPool(std::int64_t capacity, std::unique_ptr<EvictionPolicy> policy,
            EmptyBlocks empty_blocks = EmptyBlocks::reused_first);

  [[nodiscard]] std::int64_t capacity() const { return capacity_; }
  [[nodiscard]] std::int64_t free_blocks() const { return capacity_ - held_; }
  [[nodiscard]] std::int64_t held_blocks() const { return held_; }

  /// Blocks that carry content or are held.
  [[nodiscard]] std::int64_t occupied_blocks() const { return held_ + idle_content_; }

  /// The most that occupied_blocks() and held_blocks() have been.
  [[nodiscard]] std::int64_t peak_occupied() const { return peak_occupied_; }
  [[nodiscard]] std::int64_t peak_held() const { return peak_held_; }

  /// The block that carries `content`; none if there is none. O(1).
  [[nodiscard]] BlockId find(ContentId content) const {
    return content.index() < block_of_.size() ? block_of_[content.index()] : BlockId::none();
  }
  [[nodiscard]] bool held(BlockId block) const { return slots_[block.index()].users > 0; }
  [[nodiscard]] ContentId content(BlockId block) const { return slots_[block.index()].content; }

  /// A block without content, held once, in which `incoming` is going to lie if that is known yet.
  /// What it evicted goes to the list given to record_evictions(). REQUIRES: free_blocks() > 0.
  BlockId allocate(ContentId incoming = ContentId::none());

  /// One more user reads `block`.
  void hold(BlockId block);

  /// One user less.
  void release(BlockId block);

  /// From now on `block` can be found as `content`. REQUIRES: it is held and carries no content.
  void publish(BlockId block, ContentId content);

  /// The same for content that is still on its way: found, so that nobody sends it again, but not
  /// readable until arrived(). REQUIRES: the block stays held until then.
  void announce(BlockId block, ContentId content);
  void arrived(BlockId block) { slots_[block.index()].on_its_way = false; }

  /// It is not going to come: the block is free and empty. REQUIRES: it was announced, and is held
  /// by nobody else.
  void cancel(BlockId block);

  /// Whether `content` may take a place: a full pool asks its policy.
  [[nodiscard]] bool admits(ContentId content) {
    return !empty_.empty() || static_cast<std::int64_t>(slots_.size()) < capacity_ ||
           policy_->admits(content);
  }

  /// Whether the content that `block` carries is really there.
  [[nodiscard]] bool readable(BlockId block) const { return !slots_[block.index()].on_its_way; }

  /// Notes that a prefetch from the tier of that index brought, or brings, what `block` carries.
  void mark_prefetched(BlockId block, std::size_t tier) {
    slots_[block.index()].prefetched = static_cast<std::uint16_t>(tier + 1);
  }
  [[nodiscard]] bool prefetched(BlockId block) const {
    return slots_[block.index()].prefetched > 0;
  }

  /// Takes the note away, and tells the tier it named.
  std::optional<std::size_t> take_prefetched(BlockId block) {
    const std::size_t note = std::exchange(slots_[block.index()].prefetched, std::uint16_t{0});
    return note > 0 ? std::optional(note - 1) : std::nullopt;
  }

  /// Has `tell` told of that tier when content leaves which still has the note.
  void on_prefetch_lost(std::function<void(std::size_t)> tell) { prefetch_lost_ = std::move(tell); }

  /// A request reads it; only the policy takes note.
  void touch(BlockId block) { policy_->on_access(block); }

  /// Forgets the content of a free block. REQUIRES: !held(block).
  void drop(BlockId block);

  /// Lists content that has left by eviction in `evicted`, in order, from now on.
  void record_evictions(std::vector<ContentId>& evicted) { evicted_ = &evicted; }

  /// Calls `visit` with the content of every block that carries some. O(blocks ever used).
  template <class Visit>
  void for_each_content(Visit visit) const {
    for (const Slot& slot : slots_) {
      if (slot.content != ContentId::none()) visit(slot.content);
    }
  }

  /// The same with what has left, but is remembered by the policy.
  void for_each_ghost(FunctionRef<void(ContentId)> visit) const { policy_->for_each_ghost(visit); }

  /// Throws InvariantViolation unless the books balance. O(blocks ever used).
  void check_invariants() const;

 private:
  struct Slot {
    ContentId content = ContentId::none();
    std::uint32_t users = 0;
    BlockId next_copy = BlockId::none();  // of the same content, published later
    bool on_its_way = false;
    std::uint16_t prefetched = 0;  // 1 + the tier it came from, until it is used
  };

  void forget(BlockId block);

  std::int64_t capacity_;
  std::unique_ptr<EvictionPolicy> policy_;
  EmptyBlocks empty_blocks_;
  std::vector<Slot> slots_;        // blocks used so far; the rest is empty
  std::vector<BlockId> empty_;     // used before, now without content; the last goes first
  std::vector<BlockId> block_of_;  // content -> first block that carries it
  std::int64_t held_ = 0;
  std::int64_t idle_content_ = 0;  // free blocks that carry content
  std::int64_t peak_occupied_ = 0;
  std::int64_t peak_held_ = 0;
  std::vector<ContentId>* evicted_ = nullptr;
  std::function<void(std::size_t)> prefetch_lost_;
};

}  // namespace terrace
