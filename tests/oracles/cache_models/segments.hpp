#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "tests/oracles/cache_models/queue.hpp"

namespace terrace::oracle {

/// The segments of a segmented LRU, the lowest first. What does not fit above is in the lowest.
class Segments {
 public:
  explicit Segments(std::vector<std::size_t> limits)
      : limits_(std::move(limits)), queues_(limits_.size()) {}

  [[nodiscard]] bool contains(std::uint64_t object) const {
    return segment_of(object) < queues_.size();
  }

  [[nodiscard]] std::size_t size() const {
    std::size_t sum = 0;
    for (const Queue& queue : queues_) sum += queue.size();
    return sum;
  }

  /// Into the lowest segment with room if any has, otherwise into the lowest.
  void insert_where_room(std::uint64_t object) {
    std::size_t segment = 0;
    while (segment < queues_.size() && queues_[segment].size() >= limits_[segment]) ++segment;
    queues_[segment < queues_.size() ? segment : 0].push_front(object);
  }

  void insert_lowest(std::uint64_t object) { queues_[0].push_front(object); }

  [[nodiscard]] std::size_t lowest_size() const { return queues_[0].size(); }

  /// One segment up; each segment then too long sends its oldest down.
  void promote(std::uint64_t object) {
    const std::size_t from = segment_of(object);
    const std::size_t to = std::min(from + 1, queues_.size() - 1);
    queues_[from].remove(object);
    queues_[to].push_front(object);
    for (std::size_t i = to; i > 0 && queues_[i].size() > limits_[i]; --i) {
      queues_[i - 1].push_front(queues_[i].pop_back());
    }
  }

  /// The oldest of the lowest segment that holds any. REQUIRES: size() > 0.
  [[nodiscard]] std::uint64_t victim() const {
    std::size_t segment = 0;
    while (queues_[segment].empty()) ++segment;
    return queues_[segment].back();
  }

  void remove(std::uint64_t object) { queues_[segment_of(object)].remove(object); }

  [[nodiscard]] std::set<std::uint64_t> contents() const {
    std::set<std::uint64_t> objects;
    for (const Queue& queue : queues_) objects.insert(queue.begin(), queue.end());
    return objects;
  }

 private:
  /// The number of segments if it is in none.
  [[nodiscard]] std::size_t segment_of(std::uint64_t object) const {
    std::size_t segment = 0;
    while (segment < queues_.size() && !queues_[segment].contains(object)) ++segment;
    return segment;
  }

  std::vector<std::size_t> limits_;
  std::vector<Queue> queues_;
};

}  // namespace terrace::oracle
