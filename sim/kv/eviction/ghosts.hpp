#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "sim/base/function_ref.hpp"
#include "sim/base/id.hpp"

namespace terrace {

/// The contents a policy remembers after their eviction, oldest in front, in one or more queues.
/// Blocks without content are told as none and leave no ghost. Amortised O(1).
///
/// Most contents that are asked about are no ghosts, and most ghosts leave at the front: the first
/// reads one byte, the second little more.
class Ghosts {
 public:
  static constexpr std::size_t kNowhere = 0xFF;

  explicit Ghosts(std::size_t queues = 1) : queues_(queues) {}

  [[nodiscard]] std::size_t queue_of(ContentId content) const {
    return content.index() < where_.size() ? where_[content.index()] : kNowhere;
  }
  [[nodiscard]] bool contains(ContentId content) const { return queue_of(content) != kNowhere; }
  [[nodiscard]] std::int64_t size(std::size_t queue = 0) const { return queues_[queue].size; }

  void add(ContentId content, std::size_t queue = 0) {
    if (content == ContentId::none()) return;
    forget(content);  // another copy of it was evicted before
    if (content.index() >= where_.size()) {
      where_.resize(content.index() + 1, kNowhere);
      tickets_.resize(content.index() + 1);
    }
    where_[content.index()] = static_cast<std::uint8_t>(queue);
    Queue& line = queues_[queue];
    if (line.line.size() > 2 * static_cast<std::size_t>(line.size) + 64) close_gaps(line);
    append(line, content);
    ++line.size;
  }

  /// Whether it was remembered.
  bool forget(ContentId content) {
    const std::size_t queue = queue_of(content);
    if (queue == kNowhere) return false;
    Queue& line = queues_[queue];
    line.line[tickets_[content.index()] - line.first_ticket] = ContentId::none();
    where_[content.index()] = kNowhere;
    --line.size;
    return true;
  }

  /// Forgets the oldest. Policies call it when content enters or is about to, not when a ghost is
  /// added: papers look for the ghost of what enters before they evict for it.
  void trim(std::int64_t most, std::size_t queue = 0) {
    Queue& line = queues_[queue];
    while (line.size > most) {
      const ContentId oldest = line.line.front();
      line.line.pop_front();
      ++line.first_ticket;
      if (oldest == ContentId::none()) continue;
      where_[oldest.index()] = kNowhere;
      --line.size;
    }
  }

  void for_each(FunctionRef<void(ContentId)> visit) const {
    for (const Queue& queue : queues_) {
      for (const ContentId content : queue.line) {
        if (content != ContentId::none()) visit(content);
      }
    }
  }

 private:
  struct Queue {
    std::deque<ContentId> line;      // with gaps, none, where a ghost was forgotten
    std::uint32_t first_ticket = 0;  // of the front; others follow by one, modulo 2^32
    std::int64_t size = 0;           // without gaps
  };

  void append(Queue& queue, ContentId content) {
    tickets_[content.index()] = queue.first_ticket + static_cast<std::uint32_t>(queue.line.size());
    queue.line.push_back(content);
  }

  void close_gaps(Queue& queue) {
    const std::deque<ContentId> line = std::exchange(queue.line, {});
    for (const ContentId content : line) {
      if (content != ContentId::none()) append(queue, content);
    }
  }

  std::vector<Queue> queues_;
  std::vector<std::uint8_t> where_;     // content -> queue
  std::vector<std::uint32_t> tickets_;  // content -> place in its queue
};

}  // namespace terrace
