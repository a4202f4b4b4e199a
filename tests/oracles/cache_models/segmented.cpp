#include <algorithm>
#include <cstdint>
#include <unordered_map>

#include "tests/oracles/cache_models/makers.hpp"
#include "tests/oracles/cache_models/queue.hpp"
#include "tests/oracles/cache_models/segments.hpp"

/// Policies with a fixed division of the cache.
namespace terrace::oracle {

namespace {

std::size_t share(std::size_t capacity, double fraction) {
  return static_cast<std::size_t>(static_cast<double>(capacity) * fraction);
}

/// Remembers an evicted object; the limit pushes out what was evicted longest ago.
void remember(Queue& ghosts, std::uint64_t object, std::size_t limit) {
  if (limit == 0) return;
  if (ghosts.size() == limit) ghosts.pop_back();
  ghosts.push_front(object);
}

class Slru final : public CacheModel {
 public:
  Slru(std::size_t capacity, const CacheModelParams& params)
      : CacheModel(capacity),
        fill_upper_(params.fill_upper_segments),
        lowest_limit_(capacity - (params.segments - 1) * (capacity / params.segments)),
        segments_(std::vector<std::size_t>(params.segments, capacity / params.segments)) {}

  [[nodiscard]] std::set<std::uint64_t> contents() const override { return segments_.contents(); }

 private:
  bool do_access(std::uint64_t object) override {
    if (segments_.contains(object)) {
      segments_.promote(object);
      return true;
    }
    const bool full =
        fill_upper_ ? segments_.size() == capacity() : segments_.lowest_size() == lowest_limit_;
    if (full) {
      const std::uint64_t victim = segments_.victim();
      segments_.remove(victim);
      evicted(victim);
    }
    if (fill_upper_) {
      segments_.insert_where_room(object);
    } else {
      segments_.insert_lowest(object);
    }
    return false;
  }

  bool fill_upper_;
  std::size_t lowest_limit_;
  Segments segments_;
};

/// Johnson & Shasha, "2Q: a low overhead high performance buffer management replacement algorithm",
/// VLDB 1994, full version, with Kin = 1/4 and Kout = 1/2 of the capacity.
class TwoQ final : public CacheModel {
 public:
  explicit TwoQ(std::size_t capacity)
      : CacheModel(capacity), in_limit_(share(capacity, .25)), out_limit_(share(capacity, .5)) {}

  [[nodiscard]] std::set<std::uint64_t> contents() const override { return all_of(in_, main_); }

 private:
  bool do_access(std::uint64_t object) override {
    if (in_.contains(object)) return true;
    if (main_.contains(object)) {
      main_.move_to_front(object);
      return true;
    }
    const bool known = out_.remove_if_there(object);
    if (in_.size() + main_.size() == capacity()) {
      if (in_.size() > in_limit_) {
        remember(out_, in_.back(), out_limit_);
        evicted(in_.pop_back());
      } else {
        evicted(main_.pop_back());
      }
    }
    if (known && main_.size() == capacity() - in_limit_) evicted(main_.pop_back());
    (known ? main_ : in_).push_front(object);
    return false;
  }

  std::size_t in_limit_;
  std::size_t out_limit_;
  Queue in_;    // A1in
  Queue out_;   // A1out
  Queue main_;  // Am
};

/// Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023, as in libCacheSim: an
/// object moves to the main queue with two or more hits, counted without a limit, and is known
/// again after eviction until looked up once.
class S3Fifo final : public CacheModel {
 public:
  explicit S3Fifo(std::size_t capacity)
      : CacheModel(capacity),
        main_limit_(capacity - share(capacity, .1)),
        ghost_limit_(share(capacity, .9)) {}

  [[nodiscard]] std::set<std::uint64_t> contents() const override { return all_of(small_, main_); }

 private:
  bool do_access(std::uint64_t object) override {
    const bool known = ghosts_.remove_if_there(object);
    if (small_.contains(object) || main_.contains(object)) {
      ++hits_[object];
      return true;
    }
    while (small_.size() + main_.size() == capacity()) {
      if (main_.size() > main_limit_ || small_.empty()) {
        evict_from_main();
      } else {
        evict_from_small();
      }
    }
    (known ? main_ : small_).push_front(object);
    return false;
  }

  void evict_from_small() {
    while (!small_.empty()) {
      const std::uint64_t oldest = small_.pop_back();
      const std::uint64_t hits = hits_[oldest];
      hits_.erase(oldest);
      if (hits < 2) {
        remember(ghosts_, oldest, ghost_limit_);
        evicted(oldest);
        return;
      }
      main_.push_front(oldest);
    }
  }

  void evict_from_main() {
    while (hits_[main_.back()] > 0) {
      std::uint64_t& hits = hits_[main_.back()];
      hits = std::min<std::uint64_t>(hits, 3) - 1;
      main_.move_to_front(main_.back());
    }
    hits_.erase(main_.back());
    evicted(main_.pop_back());
  }

  std::size_t main_limit_;
  std::size_t ghost_limit_;
  Queue small_;
  Queue main_;
  Queue ghosts_;
  std::unordered_map<std::uint64_t, std::uint64_t> hits_;
};

/// Quick demotion, lazy promotion (Yang et al., HotOS 2023), as in libCacheSim: a FIFO of all sizes
/// gives way first; what was hit there moves to a CLOCK with two bits, as does what is missed again
/// while remembered. One access may evict from both.
class Qdlp final : public CacheModel {
 public:
  explicit Qdlp(std::size_t capacity)
      : CacheModel(capacity),
        main_limit_(capacity - share(capacity, .1)),
        ghost_limit_(share(capacity, .9)) {}

  [[nodiscard]] std::set<std::uint64_t> contents() const override { return all_of(fifo_, main_); }

 private:
  bool do_access(std::uint64_t object) override {
    if (fifo_.contains(object) || main_.contains(object)) {
      hits_[object] = std::min(hits_[object] + 1, 3);
      return true;
    }
    const bool known = ghosts_.remove_if_there(object);
    while (fifo_.size() + main_.size() == capacity()) {
      if (fifo_.empty()) {
        evict_from_main();
      } else {
        evict_from_fifo();
      }
    }
    if (known) {
      enter_main(object);
    } else {
      fifo_.push_front(object);
    }
    return false;
  }

  void enter_main(std::uint64_t object) {
    if (main_.size() == main_limit_) evict_from_main();
    main_.push_front(object);
  }

  void evict_from_fifo() {
    const std::uint64_t oldest = fifo_.pop_back();
    if (hits_.erase(oldest) > 0) {
      enter_main(oldest);
    } else {
      remember(ghosts_, oldest, ghost_limit_);
      evicted(oldest);
    }
  }

  void evict_from_main() {
    while (hits_[main_.back()]-- > 0) main_.move_to_front(main_.back());
    hits_.erase(main_.back());
    evicted(main_.pop_back());
  }

  std::size_t main_limit_;
  std::size_t ghost_limit_;
  Queue fifo_;
  Queue main_;
  Queue ghosts_;
  std::unordered_map<std::uint64_t, int> hits_;
};

}  // namespace

namespace makers {

std::unique_ptr<CacheModel> slru(std::size_t capacity, const CacheModelParams& params) {
  return std::make_unique<Slru>(capacity, params);
}

std::unique_ptr<CacheModel> two_q(std::size_t capacity, const CacheModelParams& /*params*/) {
  return std::make_unique<TwoQ>(capacity);
}

std::unique_ptr<CacheModel> s3fifo(std::size_t capacity, const CacheModelParams& /*params*/) {
  return std::make_unique<S3Fifo>(capacity);
}

std::unique_ptr<CacheModel> qdlp(std::size_t capacity, const CacheModelParams& /*params*/) {
  return std::make_unique<Qdlp>(capacity);
}

}  // namespace makers

}  // namespace terrace::oracle
