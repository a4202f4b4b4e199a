#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/base/id.hpp"

namespace terrace {

struct NothingMore {};

/// A few queues of dense ids, such as the blocks of a policy, threaded through one vector: an id is
/// in one of them at most. Everything is O(1), and memory grows with the largest id that ever
/// queued. `More`: what else is kept of each id, beside its links, where it costs no cache miss.
template <class Id, class More = NothingMore>
class IdQueues {
 public:
  static constexpr std::size_t kNowhere = 0xFF;

  /// REQUIRES: queues < kNowhere.
  explicit IdQueues(std::size_t queues = 1) : heads_(queues) { TERRACE_CHECK(queues < kNowhere); }

  /// Which queue `id` is in, or kNowhere.
  [[nodiscard]] std::size_t queue_of(Id id) const {
    return id.index() < nodes_.size() ? nodes_[id.index()].queue : kNowhere;
  }
  [[nodiscard]] bool contains(Id id) const { return queue_of(id) != kNowhere; }

  [[nodiscard]] std::int64_t size(std::size_t queue = 0) const { return heads_[queue].size; }
  [[nodiscard]] bool empty(std::size_t queue = 0) const { return size(queue) == 0; }

  /// The ends of a queue, and the neighbour of an id that is in one; none where there is none.
  [[nodiscard]] Id front(std::size_t queue = 0) const { return Id{heads_[queue].front}; }
  [[nodiscard]] Id back(std::size_t queue = 0) const { return Id{heads_[queue].back}; }
  [[nodiscard]] Id after(Id id) const { return Id{nodes_[id.index()].after}; }

  /// REQUIRES: `id` was in a queue once.
  More& more(Id id) { return nodes_[id.index()].more; }
  [[nodiscard]] const More& more(Id id) const { return nodes_[id.index()].more; }

  /// REQUIRES: !contains(id), id is not none.
  void push_back(Id id, std::size_t queue = 0) { link(id, queue, heads_[queue].back, kEnd); }
  void push_front(Id id, std::size_t queue = 0) { link(id, queue, kEnd, heads_[queue].front); }

  /// In front of `next`, in its queue. REQUIRES: contains(next), and as above.
  void insert_before(Id next, Id id) {
    link(id, queue_of(next), nodes_[next.index()].before, static_cast<Index>(next.index()));
  }

  /// REQUIRES: contains(id).
  void remove(Id id) {
    TERRACE_CHECK(contains(id));
    Node& gone = nodes_[id.index()];
    Head& head = heads_[gone.queue];
    (gone.before == kEnd ? head.front : nodes_[gone.before].after) = gone.after;
    (gone.after == kEnd ? head.back : nodes_[gone.after].before) = gone.before;
    --head.size;
    gone.queue = kNowhere;
  }

  /// Out of the queue that it is in. REQUIRES: contains(id).
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

  struct Node {
    Index before = kEnd;
    Index after = kEnd;
    [[no_unique_address]] More more;
    std::uint8_t queue = kNowhere;
  };
  struct Head {
    Index front = kEnd;
    Index back = kEnd;
    std::int64_t size = 0;
  };

  void link(Id id, std::size_t queue, Index before, Index after) {
    const auto i = static_cast<Index>(id.index());
    TERRACE_CHECK(i != kEnd && !contains(id));
    if (i >= nodes_.size()) nodes_.resize(i + std::size_t{1});
    Node& node = nodes_[i];
    Head& head = heads_[queue];
    node.before = before;
    node.after = after;
    node.queue = static_cast<std::uint8_t>(queue);
    (before == kEnd ? head.front : nodes_[before].after) = i;
    (after == kEnd ? head.back : nodes_[after].before) = i;
    ++head.size;
  }

  std::vector<Node> nodes_;
  std::vector<Head> heads_;
};

}  // namespace terrace
