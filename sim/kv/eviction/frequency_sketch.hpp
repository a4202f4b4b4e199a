#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "sim/base/id.hpp"

namespace terrace {

/// How often contents were counted, up to 15. Exact, in a byte for each content, until fold() makes
/// it a count-min sketch (Cormode, Muthukrishnan, 2005) of a fixed size, which is never too low.
class FrequencySketch {
 public:
  static constexpr std::uint8_t kMost = 15;

  void count(ContentId content) { count(content, 1); }

  [[nodiscard]] int estimate(ContentId content) const {
    if (width_ == 0) return content.index() < counters_.size() ? counters_[content.index()] : 0;
    std::uint8_t least = kMost;
    for (const std::size_t place : places(content)) least = std::min(least, counters_[place]);
    return least;
  }

  void halve() {
    for (std::uint8_t& counter : counters_) counter /= 2;
  }

  [[nodiscard]] bool folded() const { return width_ > 0; }

  /// From now on as a sketch of four rows of `width` counters.
  void fold(std::size_t width) {
    const auto counted = std::exchange(counters_, std::vector<std::uint8_t>(kRows * width));
    width_ = width;
    for (std::size_t i = 0; i < counted.size(); ++i) {
      if (counted[i] > 0) count(ContentId{i}, counted[i]);
    }
  }

 private:
  static constexpr std::size_t kRows = 4;

  void count(ContentId content, std::uint8_t times) {
    const auto add = [times](std::uint8_t& counter) {
      counter = static_cast<std::uint8_t>(std::min(kMost - times, int{counter}) + times);
    };
    if (width_ > 0) {
      for (const std::size_t place : places(content)) add(counters_[place]);
    } else if (content != ContentId::none()) {
      if (content.index() >= counters_.size()) counters_.resize(content.index() + 1);
      add(counters_[content.index()]);
    }
  }

  /// One in each row, by multiplication with odd numbers whose high bits then choose.
  [[nodiscard]] std::array<std::size_t, kRows> places(ContentId content) const {
    constexpr std::array<std::uint64_t, kRows> kOdd = {0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F,
                                                       0x165667B19E3779F9, 0xD6E8FEB86659FD93};
    std::array<std::size_t, kRows> all{};
    for (std::size_t row = 0; row < kRows; ++row) {
      const std::uint64_t hash = (content.index() + 1) * kOdd[row];
      all[row] = row * width_ + ((hash >> 32U) * width_ >> 32U);
    }
    return all;
  }

  std::size_t width_ = 0;
  std::vector<std::uint8_t> counters_;
};

}  // namespace terrace
