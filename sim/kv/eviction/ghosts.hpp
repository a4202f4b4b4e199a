#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/base/function_ref.hpp"
#include "sim/kv/eviction/id_queues.hpp"

namespace terrace {

/// The contents a policy remembers after their eviction, oldest in front, in one or more queues.
/// Blocks without content are told as none and leave no ghost.
class Ghosts {
 public:
  static constexpr std::size_t kNowhere = IdQueues<ContentId>::kNowhere;

  explicit Ghosts(std::size_t queues = 1) : count_(queues), queues_(queues) {}

  [[nodiscard]] std::size_t queue_of(ContentId content) const { return queues_.queue_of(content); }
  [[nodiscard]] bool contains(ContentId content) const { return queues_.contains(content); }
  [[nodiscard]] std::int64_t size(std::size_t queue = 0) const { return queues_.size(queue); }
  [[nodiscard]] bool empty(std::size_t queue = 0) const { return queues_.empty(queue); }

  void add(ContentId content, std::size_t queue = 0) {
    if (content == ContentId::none()) return;
    forget(content);  // another copy of it was evicted before
    queues_.push_back(content, queue);
  }

  /// Whether it was remembered.
  bool forget(ContentId content) {
    if (!contains(content)) return false;
    queues_.remove(content);
    return true;
  }

  /// REQUIRES: !empty(queue).
  void forget_oldest(std::size_t queue = 0) { queues_.remove(queues_.front(queue)); }

  /// Policies call it when content enters or is about to, not when a ghost is added: papers look
  /// for the ghost of what enters before they evict for it.
  void trim(std::int64_t most, std::size_t queue = 0) {
    while (size(queue) > most) forget_oldest(queue);
  }

  void for_each(FunctionRef<void(ContentId)> visit) const {
    for (std::size_t queue = 0; queue < count_; ++queue) queues_.for_each(queue, visit);
  }

 private:
  std::size_t count_;
  IdQueues<ContentId> queues_;
};

}  // namespace terrace
