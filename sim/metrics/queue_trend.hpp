#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "sim/base/histogram.hpp"
#include "sim/base/units.hpp"

namespace terrace {

/// Whether requests wait longer and longer: their time in the queue by order of arrival, in 64 bins
/// of equal width. When a request falls beyond the last bin, neighbours merge and the width
/// doubles, so memory is constant and a third of the run is known to a 32nd of it.
class QueueTrend {
 public:
  /// The request that arrived as the `number`-th, from zero, waited for `queue`. O(1) amortised.
  void add(std::uint64_t number, Duration queue);

  /// Mean seconds of those among the first, or the last, third of all arrivals; 0 of none.
  [[nodiscard]] double early() const { return mean(0, bins_in_use() / 3); }
  [[nodiscard]] double late() const { return mean(bins_in_use() - bins_in_use() / 3, kBins); }

 private:
  static constexpr std::size_t kBins = 64;
  struct Bin {
    std::int64_t count = 0;
    Histogram::Sum sum = 0;  // picoseconds
  };

  void widen();
  [[nodiscard]] std::size_t bins_in_use() const;
  [[nodiscard]] double mean(std::size_t from, std::size_t to) const;

  std::array<Bin, kBins> bins_{};
  std::uint64_t width_ = 1;
};

}  // namespace terrace
