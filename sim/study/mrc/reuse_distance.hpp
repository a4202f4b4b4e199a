#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace terrace {

/// LRU stack distances, exact and in one pass (Mattson et al., "Evaluation techniques for storage
/// hierarchies", IBM Systems Journal 1970): how many different items were accessed since the last
/// access of this one, itself included, so that an LRU cache of C items hits if and only if the
/// distance is at most C.
///
/// Time is a row of bits, one per access, of which only each item's last access is set; a distance
/// is the number of bits from there on. Counts per 128 bits stand in a Fenwick tree. When the row
/// is full, it is closed up: it is some times as long as there are items, so that is O(1) per
/// access and all memory is O(items). An access is O(log items).
class ReuseDistances {
 public:
  static constexpr std::uint32_t kNever = 0xFFFFFFFF;  // accessed for the first time

  ReuseDistances() { resize(0); }

  /// The distance of an access. REQUIRES: item < kNever.
  std::uint32_t access(std::uint32_t item);

  /// Forgets the item, as if it had never been. REQUIRES: it was accessed and not yet removed.
  void remove(std::uint32_t item);

  /// Items accessed and not removed.
  [[nodiscard]] std::uint32_t items() const { return items_; }

 private:
  static constexpr std::size_t kWords = 2;             // 64-bit words per count
  static constexpr std::size_t kBits = 64 * kWords;    // accesses per count
  static constexpr std::size_t kShortest = 1U << 16U;  // accesses in a row
  static constexpr std::size_t kStretch = 4;           // accesses in a row, per item

  [[nodiscard]] std::uint32_t before(std::uint32_t time) const;
  [[nodiscard]] std::uint32_t within(std::uint32_t time) const;
  void forget(std::uint32_t time);
  void close_count();
  void compact();
  void resize(std::uint32_t kept);

  std::vector<std::uint32_t> last_;  // of each item: its last access; kNever
  std::vector<std::uint64_t> bits_;  // set: the last access of some item
  std::vector<std::uint32_t> tree_;  // Fenwick, from 1, over the counts that are complete
  std::uint32_t now_ = 0;
  std::uint32_t items_ = 0;
};

}  // namespace terrace
