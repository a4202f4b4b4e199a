#pragma once

#include <cstdint>
#include <queue>
#include <vector>

namespace terrace {

/// The largest of a changing collection of numbers, in O(log n) per change: two heaps, of what came
/// and of what has left since. Takes memory for all that came while its largest number stayed.
class Largest {
 public:
  [[nodiscard]] bool empty() const { return came_.empty(); }

  /// REQUIRES: !empty().
  [[nodiscard]] std::int64_t value() const { return came_.top(); }

  void add(std::int64_t number) { came_.push(number); }

  /// REQUIRES: the number is there.
  void remove(std::int64_t number) {
    left_.push(number);
    for (; !left_.empty() && left_.top() == came_.top(); left_.pop()) came_.pop();
  }

 private:
  std::priority_queue<std::int64_t> came_;
  std::priority_queue<std::int64_t> left_;
};

}  // namespace terrace
