#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>

namespace terrace {

/// The largest of a changing collection of numbers, which is kept sorted: O(1) if what comes is the
/// smallest and what leaves the largest, otherwise O(log n) and a move of at most half of them.
class Largest {
 public:
  [[nodiscard]] bool empty() const { return falling_.empty(); }

  /// REQUIRES: !empty().
  [[nodiscard]] std::int64_t value() const { return falling_.front(); }

  void add(std::int64_t number) {
    if (falling_.empty() || number <= falling_.back()) {
      falling_.push_back(number);
    } else {
      falling_.insert(place_of(number), number);
    }
  }

  /// REQUIRES: the number is there.
  void remove(std::int64_t number) {
    if (number == falling_.front()) {
      falling_.pop_front();
    } else {
      falling_.erase(place_of(number));
    }
  }

 private:
  [[nodiscard]] std::deque<std::int64_t>::const_iterator place_of(std::int64_t number) const {
    return std::lower_bound(falling_.begin(), falling_.end(), number, std::greater<>());
  }

  std::deque<std::int64_t> falling_;
};

}  // namespace terrace
