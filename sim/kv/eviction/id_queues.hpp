#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/base/id.hpp"

namespace terrace {

/// A few queues of dense ids, such as the blocks or the ghosts of a policy: an id is in one of them
/// at most. Everything is O(1), and memory grows with the largest id that ever queued.
template <class Id>
class IdQueues {
 public:
  static constexpr std::size_t kNowhere = 0xFF;

  /// REQUIRES: queues < kNowhere.
  explicit IdQueues(std::size_t queues = 1) : heads_(queues) { TERRACE_CHECK(queues < kNowhere); }

  /// Which queue `id` is in, or kNowhere.
  [[nodiscard]] std::size_t queue_of(Id id) const {
    return id.index() < queue_.size() ? queue_[id.index()] : kNowhere;
  }
  [[nodiscard]] bool contains(Id id) const { return queue_of(id) != kNowhere; }

  [[nodiscard]] std::int64_t size(std::size_t queue = 0) const { return heads_[queue].size; }
  [[nodiscard]] bool empty(std::size_t queue = 0) const { return size(queue) == 0; }

  /// The ends of a queue, and the neighbours of an id that is in one; none where there is none.
  [[nodiscard]] Id front(std::size_t queue = 0) const { return Id{heads_[queue].front}; }
  [[nodiscard]] Id back(std::size_t queue = 0) const { return Id{heads_[queue].back}; }
  [[nodiscard]] Id after(Id id) const { return Id{links_[id.index()].after}; }

  /// REQUIRES: !contains(id), id is not none.
  void push_back(Id id, std::size_t queue = 0) { link(id, queue, heads_[queue].back, kEnd); }
  void push_front(Id id, std::size_t queue = 0) { link(id, queue, kEnd, heads_[queue].front); }

  /// In front of `next`, in its queue. REQUIRES: contains(next), and as above.
  void insert_before(Id next, Id id) {
    link(id, queue_of(next), links_[next.index()].before, static_cast<Index>(next.index()));
  }

  /// REQUIRES: contains(id).
  void remove(Id id) {
    TERRACE_CHECK(contains(id));
    Head& head = heads_[queue_[id.index()]];
    const Link gone = links_[id.index()];
    (gone.before == kEnd ? head.front : links_[gone.before].after) = gone.after;
    (gone.after == kEnd ? head.back : links_[gone.after].before) = gone.before;
    --head.size;
    queue_[id.index()] = kNowhere;
  }

  void move_to_back(Id id, std::size_t queue = 0) {
    remove(id);
    push_back(id, queue);
  }

  template <class Visit>
  void for_each(std::size_t queue, Visit visit) const {
    for (Id id = front(queue); id != Id::none(); id = after(id)) visit(id);
  }

 private:
  using Index = std::uint32_t;
  static constexpr auto kEnd = static_cast<Index>(Id::none().index());

  struct Link {
    Index before = kEnd;
    Index after = kEnd;
  };
  struct Head {
    Index front = kEnd;
    Index back = kEnd;
    std::int64_t size = 0;
  };

  void link(Id id, std::size_t queue, Index before, Index after) {
    const auto i = static_cast<Index>(id.index());
    TERRACE_CHECK(i != kEnd && !contains(id));
    if (i >= links_.size()) {
      links_.resize(i + std::size_t{1});
      queue_.resize(i + std::size_t{1}, kNowhere);
    }
    Head& head = heads_[queue];
    links_[i] = {before, after};
    queue_[i] = static_cast<std::uint8_t>(queue);
    (before == kEnd ? head.front : links_[before].after) = i;
    (after == kEnd ? head.back : links_[after].before) = i;
    ++head.size;
  }

  std::vector<Link> links_;
  std::vector<std::uint8_t> queue_;  // apart from links_: most questions are only about this
  std::vector<Head> heads_;
};

}  // namespace terrace
