#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <vector>

#include "sim/base/function_ref.hpp"
#include "sim/base/id.hpp"
#include "sim/base/units.hpp"

namespace terrace {

/// Gives every distinct KV block of the run a dense ContentId, so that all later work on blocks is
/// an array access. The KV of a block depends on all tokens before it: equal ids mean equal text
/// from the start of the sequence to the block's end, as with vLLM's chained hashes, but exact.
///
/// Interning works on stretches of text, not on blocks: a stretch behind a given past owns a run of
/// consecutive ids, one for each block whose last token lies in it, so a prompt of ten stretches
/// costs ten look-ups whatever its length. Ids that nobody holds any more are handed out again
/// after collect(): memory is proportional to what is live, not to the length of the run.
class ContentTable {
 public:
  explicit ContentTable(Tokens block_size) : block_size_(block_size) {}

  /// The past of a sequence: where the next stretch of text attaches.
  struct Tip {
    std::uint32_t segment = kRoot;
  };

  /// Appends `tokens` of text `content` behind `tip`; the blocks it completes go to `blocks`.
  /// Returns the new tip. O(blocks completed).
  Tip append(Tip tip, std::uint64_t content, Tokens tokens, std::vector<ContentId>& blocks);

  /// Where the block stands in its sequence, counted in blocks from zero.
  [[nodiscard]] std::int64_t position(ContentId block) const;

  /// The block `steps` before this one in its sequence. REQUIRES: steps <= position(block).
  /// O(steps) at worst, O(1) within a stretch.
  [[nodiscard]] ContentId before(ContentId block, std::int64_t steps) const;

  [[nodiscard]] Tokens block_size() const { return block_size_; }

  /// All ids are below this.
  [[nodiscard]] std::size_t size() const { return owner_.size(); }

  /// Whether so much has been interned since the last collection that one pays.
  [[nodiscard]] bool collection_due() const { return used_ + live_segments_ > collect_at_; }

  /// No collection is ever due: for those who have to know every block that has been.
  void keep_all() { collect_at_ = std::numeric_limits<std::size_t>::max(); }

  /// Takes back every id that `mark_all` does not mark. Marking one block of a stretch keeps the
  /// whole stretch and all its past. Outdates every Tip. O(ids).
  void collect(FunctionRef<void(FunctionRef<void(ContentId)> mark)> mark_all);

  /// Visits every id below size() that is that of no content.
  void for_each_free(FunctionRef<void(ContentId)> visit) const;

 private:
  static constexpr std::uint32_t kRoot = 0xFFFFFFFF;
  static constexpr std::size_t kCollectAtLeast = std::size_t{1} << 16U;

  /// A stretch of text behind a given past.
  struct Segment {
    std::uint64_t content = 0;
    std::int64_t tokens = 0;
    std::int64_t end = 0;  // tokens from the start of the sequence to the end of this stretch
    std::uint32_t parent = kRoot;
    std::uint32_t first = 0;  // its blocks: ids first ... first + blocks - 1
    std::uint32_t blocks = 0;
    bool live = false;
  };

  [[nodiscard]] std::size_t slot_of(std::uint32_t parent, std::uint64_t content,
                                    std::int64_t tokens) const;
  [[nodiscard]] static std::uint64_t hash(std::uint32_t parent, std::uint64_t content,
                                          std::int64_t tokens);
  std::uint32_t create(std::uint32_t parent, std::uint64_t content, std::int64_t tokens);
  std::uint32_t reserve_ids(std::uint32_t count);
  void rehash(std::size_t slots);

  Tokens block_size_;
  std::vector<Segment> segments_;
  std::vector<std::uint32_t> free_segments_;
  std::vector<std::uint32_t> slots_;  // open addressing over segments; emptied only by rehash()
  std::vector<std::uint32_t> owner_;  // of each id: its segment
  std::map<std::uint32_t, std::vector<std::uint32_t>> free_runs_;  // length -> first ids
  std::size_t live_segments_ = 0;
  std::size_t used_ = 0;  // ids in use, live or not yet collected
  std::size_t collect_at_ = kCollectAtLeast;
};

}  // namespace terrace
