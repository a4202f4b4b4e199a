#include <cstdint>
#include <optional>
#include <unordered_set>

#include "tests/oracles/cache_models/makers.hpp"
#include "tests/oracles/cache_models/queue.hpp"

/// Policies that keep one queue and at most one bit for each object.
namespace terrace::oracle {

namespace {

class OneQueue : public CacheModel {
 public:
  using CacheModel::CacheModel;
  [[nodiscard]] std::set<std::uint64_t> contents() const override { return all_of(queue_); }

 protected:
  bool do_access(std::uint64_t object) override {
    if (queue_.contains(object)) {
      hit(object);
      return true;
    }
    if (queue_.size() == capacity()) {
      const std::uint64_t victim = choose();
      queue_.remove(victim);
      evicted(victim);
    }
    queue_.push_front(object);
    return false;
  }

  virtual void hit(std::uint64_t object) = 0;
  /// What to evict from the full queue.
  virtual std::uint64_t choose() = 0;

  Queue queue_;
};

class Fifo final : public OneQueue {
  using OneQueue::OneQueue;
  void hit(std::uint64_t /*object*/) override {}
  std::uint64_t choose() override { return queue_.back(); }
};

class Lru final : public OneQueue {
  using OneQueue::OneQueue;
  void hit(std::uint64_t object) override { queue_.move_to_front(object); }
  std::uint64_t choose() override { return queue_.back(); }
};

class Mru final : public OneQueue {
  using OneQueue::OneQueue;
  void hit(std::uint64_t object) override { queue_.move_to_front(object); }
  std::uint64_t choose() override { return queue_.front(); }
};

/// A second chance to the oldest if it was hit: the queue's back is what the hand points at.
class Clock final : public OneQueue {
  using OneQueue::OneQueue;
  void hit(std::uint64_t object) override { hit_.insert(object); }

  std::uint64_t choose() override {
    while (hit_.erase(queue_.back()) > 0) queue_.move_to_front(queue_.back());
    return queue_.back();
  }

  std::unordered_set<std::uint64_t> hit_;
};

/// Zhang et al., "SIEVE is simpler than LRU", NSDI 2024: as CLOCK, but what survives stays where it
/// is, and the hand goes on from there towards the newest.
class Sieve final : public OneQueue {
  using OneQueue::OneQueue;
  void hit(std::uint64_t object) override { hit_.insert(object); }

  std::uint64_t choose() override {
    std::uint64_t at = hand_.value_or(queue_.back());
    while (hit_.erase(at) > 0) at = queue_.newer(at).value_or(queue_.back());
    hand_ = queue_.newer(at);
    return at;
  }

  std::unordered_set<std::uint64_t> hit_;
  std::optional<std::uint64_t> hand_;  // none: start from the oldest
};

}  // namespace

namespace makers {

std::unique_ptr<CacheModel> lru(std::size_t capacity, const CacheModelParams& /*params*/) {
  return std::make_unique<Lru>(capacity);
}

std::unique_ptr<CacheModel> mru(std::size_t capacity, const CacheModelParams& /*params*/) {
  return std::make_unique<Mru>(capacity);
}

std::unique_ptr<CacheModel> fifo(std::size_t capacity, const CacheModelParams& /*params*/) {
  return std::make_unique<Fifo>(capacity);
}

std::unique_ptr<CacheModel> clock(std::size_t capacity, const CacheModelParams& /*params*/) {
  return std::make_unique<Clock>(capacity);
}

std::unique_ptr<CacheModel> sieve(std::size_t capacity, const CacheModelParams& /*params*/) {
  return std::make_unique<Sieve>(capacity);
}

}  // namespace makers

}  // namespace terrace::oracle
