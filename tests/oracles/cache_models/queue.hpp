#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <optional>
#include <set>
#include <unordered_map>

namespace terrace::oracle {

/// Objects in a line, each at most once: the front is the newest, the back the oldest.
class Queue {
 public:
  using Position = std::list<std::uint64_t>::const_iterator;

  void push_front(std::uint64_t object) {
    objects_.push_front(object);
    where_[object] = objects_.begin();
  }

  void remove(std::uint64_t object) {
    objects_.erase(where_.at(object));
    where_.erase(object);
  }

  bool remove_if_there(std::uint64_t object) {
    const bool there = contains(object);
    if (there) remove(object);
    return there;
  }

  std::uint64_t pop_back() {
    const std::uint64_t object = back();
    remove(object);
    return object;
  }

  void move_to_front(std::uint64_t object) {
    remove(object);
    push_front(object);
  }

  [[nodiscard]] bool contains(std::uint64_t object) const { return where_.contains(object); }
  [[nodiscard]] std::uint64_t front() const { return objects_.front(); }
  [[nodiscard]] std::uint64_t back() const { return objects_.back(); }
  /// What entered next after the object, if any did.
  [[nodiscard]] std::optional<std::uint64_t> newer(std::uint64_t object) const {
    const auto at = where_.at(object);
    if (at == objects_.begin()) return std::nullopt;
    return *std::prev(at);
  }

  [[nodiscard]] std::size_t size() const { return objects_.size(); }
  [[nodiscard]] bool empty() const { return objects_.empty(); }
  [[nodiscard]] Position begin() const { return objects_.begin(); }
  [[nodiscard]] Position end() const { return objects_.end(); }

 private:
  std::list<std::uint64_t> objects_;
  std::unordered_map<std::uint64_t, Position> where_;
};

/// The objects of several queues.
template <typename... Queues>
std::set<std::uint64_t> all_of(const Queues&... queues) {
  std::set<std::uint64_t> objects;
  (objects.insert(queues.begin(), queues.end()), ...);
  return objects;
}

}  // namespace terrace::oracle
