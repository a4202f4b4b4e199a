#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace terrace {

/// How often each value of a non-negative integer occurred, exact below 4096 and to 2^-12 above.
///
/// The range is cut at the powers of two, and each octave into 2^11 buckets of equal width, so a
/// bucket is narrower than its values by 2^11 at least. Only octaves that occur have memory, 16 KiB
/// each. Count, sum, minimum and maximum are exact. Units are the caller's: picoseconds, tokens.
class Histogram {
 public:
  __extension__ typedef __int128 Sum;  // NOLINT(modernize-use-using): needs a typedef

  /// As if the value occurred `weight` times; a weight of 0 leaves no trace. O(1), about 4 ns.
  /// REQUIRES: value >= 0, weight >= 0, and a total weight that fits in 63 bits.
  void add(std::int64_t value, std::int64_t weight = 1);

  /// As if everything added to `other` had been added to this one.
  void merge(const Histogram& other);

  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] std::int64_t count() const { return count_; }
  [[nodiscard]] Sum sum() const { return sum_; }

  /// REQUIRES, for all that follow: !empty().
  [[nodiscard]] std::int64_t min() const;
  [[nodiscard]] std::int64_t max() const;
  [[nodiscard]] double mean() const;

  /// The nearest-rank quantile: the smallest value such that at least q * count() values are no
  /// larger, reported as the middle of its bucket, within [min(), max()]. The relative error is at
  /// most 2^-12. q = 0 is min() and q = 1 is max(), exactly. The product q * count() is taken to
  /// one part in 2^50, so that 0.07 of 100 values is 7 of them. REQUIRES: 0 <= q <= 1.
  /// Time is proportional to the octaves in use, 1 us each.
  [[nodiscard]] std::int64_t quantile(double q) const;

 private:
  using Octave = std::vector<std::int64_t>;  // weights of its buckets; empty until one is used

  [[nodiscard]] std::int64_t& weight_at(std::uint64_t bucket);

  std::vector<Octave> octaves_;
  std::int64_t count_ = 0;
  Sum sum_ = 0;
  std::int64_t min_ = std::numeric_limits<std::int64_t>::max();
  std::int64_t max_ = 0;
};

}  // namespace terrace
