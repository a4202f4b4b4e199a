#include <algorithm>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "tests/oracles/cache_models/makers.hpp"
#include "tests/oracles/cache_models/queue.hpp"

/// Policies that give each object a rank and evict the lowest.
namespace terrace::oracle {

namespace {

/// What is evicted first has the lowest rank, then the lowest tie-breaker.
using Rank = std::pair<std::uint64_t, std::uint64_t>;

class Ranked : public CacheModel {
 public:
  using CacheModel::CacheModel;

  [[nodiscard]] std::set<std::uint64_t> contents() const override {
    std::set<std::uint64_t> objects;
    for (const auto& [rank, object] : order_) objects.insert(object);
    return objects;
  }

 protected:
  bool do_access(std::uint64_t object) override {
    ++now_;
    const bool hit = ranks_.contains(object);
    if (hit) {
      const Rank old = ranks_.at(object);
      forget(object);
      place(object, after_hit(object, old));
    } else {
      if (bypasses(object)) return false;
      if (ranks_.size() == capacity()) evict();
      place(object, when_new(object));
    }
    return hit;
  }

  /// The rank after a hit; the object is out of the order meanwhile.
  virtual Rank after_hit(std::uint64_t object, Rank old) = 0;
  virtual Rank when_new(std::uint64_t object) = 0;
  virtual void on_evict(std::uint64_t /*object*/, Rank /*rank*/) {}
  virtual bool bypasses(std::uint64_t /*object*/) { return false; }

  [[nodiscard]] std::uint64_t now() const { return now_; }
  [[nodiscard]] const std::map<Rank, std::uint64_t>& order() const { return order_; }

 private:
  void place(std::uint64_t object, Rank rank) {
    ranks_[object] = rank;
    order_[rank] = object;
  }

  void forget(std::uint64_t object) {
    order_.erase(ranks_.at(object));
    ranks_.erase(object);
  }

  void evict() {
    const auto [rank, victim] = *order_.begin();
    forget(victim);
    evicted(victim);
    on_evict(victim, rank);
  }

  std::uint64_t now_ = 0;  // accesses so far
  std::map<Rank, std::uint64_t> order_;
  std::unordered_map<std::uint64_t, Rank> ranks_;
};

/// Least often used since it entered the cache; among equals, least recently used.
class LfuRecency final : public Ranked {
  using Ranked::Ranked;
  Rank after_hit(std::uint64_t /*object*/, Rank old) override { return {old.first + 1, now()}; }
  Rank when_new(std::uint64_t /*object*/) override { return {1, now()}; }
};

/// Greedy-Dual-Size-Frequency (Cherkasova, HPL-98-69) where all sizes and costs are 1: references
/// plus the inflation, the rank of what was evicted last. Among equals, least recently used.
class Gdsf final : public Ranked {
  using Ranked::Ranked;

  Rank after_hit(std::uint64_t object, Rank /*old*/) override {
    return {++references_[object] + inflation_, now()};
  }
  Rank when_new(std::uint64_t object) override {
    references_[object] = 1;
    return {1 + inflation_, now()};
  }
  void on_evict(std::uint64_t object, Rank rank) override {
    references_.erase(object);
    inflation_ = rank.first;
  }

  std::unordered_map<std::uint64_t, std::uint64_t> references_;
  std::uint64_t inflation_ = 0;
};

/// LFU with dynamic aging as libCacheSim has it: a hit adds the age to the key, so that keys grow
/// like Fibonacci numbers. The age is the lowest key in the cache, once anything was evicted.
class LfudaCompound final : public Ranked {
  using Ranked::Ranked;

  Rank after_hit(std::uint64_t /*object*/, Rank old) override {
    const std::uint64_t key = old.first + age_;
    if (old.first == age_) raise_age(key);
    return {key, now()};
  }
  Rank when_new(std::uint64_t /*object*/) override { return {age_ + 1, now()}; }
  void on_evict(std::uint64_t /*object*/, Rank rank) override {
    age_ = rank.first;
    raise_age(age_);
  }

  void raise_age(std::uint64_t if_empty) {
    age_ = order().empty() ? if_empty : order().begin()->first.first;
  }

  std::uint64_t age_ = 0;
};

/// O'Neil, O'Neil & Weikum, "The LRU-K page replacement algorithm", SIGMOD 1993, with K = 2 and no
/// correlated reference period: evict what has the oldest last-but-one reference, an object with
/// one known reference before all others; among equals, least recently used. A miss evicts before
/// it looks up what is remembered of its own object.
class Lru2 final : public Ranked {
 public:
  Lru2(std::size_t capacity, std::size_t history) : Ranked(capacity), history_(history) {}

 private:
  Rank after_hit(std::uint64_t /*object*/, Rank old) override { return {old.second, now()}; }

  Rank when_new(std::uint64_t object) override {
    if (!remembered_.remove_if_there(object)) return {0, now()};
    const std::uint64_t last = last_use_.at(object);
    last_use_.erase(object);
    return {last, now()};
  }

  void on_evict(std::uint64_t object, Rank rank) override {
    if (history_ == 0) return;
    if (remembered_.size() == history_) last_use_.erase(remembered_.pop_back());
    remembered_.push_front(object);
    last_use_[object] = rank.second;
  }

  std::size_t history_;
  Queue remembered_;  // what was evicted; the limit forgets what was evicted longest ago
  std::unordered_map<std::uint64_t, std::uint64_t> last_use_;
};

/// Evict what is used again farthest in the future. Among those never used again, whose order
/// changes no count, the one with the largest number.
class Belady final : public Ranked {
 public:
  Belady(std::size_t capacity, const CacheModelParams& params)
      : Ranked(capacity), bypass_(params.bypass), future_(params.future.size()) {
    std::unordered_map<std::uint64_t, std::uint64_t> next;
    for (std::size_t i = params.future.size(); i-- > 0;) {
      const std::uint64_t object = params.future[i];
      future_[i] = {object, next.contains(object) ? next.at(object) : kNever};
      next[object] = i;
    }
  }

 private:
  static constexpr std::uint64_t kNever = CacheModelParams::kUnlimited;

  struct Use {
    std::uint64_t object;
    std::uint64_t next;  // when the object is used again
  };

  Rank after_hit(std::uint64_t object, Rank /*old*/) override { return when_new(object); }

  Rank when_new(std::uint64_t object) override { return {kNever - next_use(object), ~object}; }

  bool bypasses(std::uint64_t object) override {
    return bypass_ && order().size() == capacity() &&
           kNever - next_use(object) <= order().begin()->first.first;
  }

  std::uint64_t next_use(std::uint64_t object) {
    const Use& use = future_.at(now() - 1);
    if (use.object != object) throw std::logic_error("this is not the future Belady was told of");
    return use.next;
  }

  bool bypass_;
  std::vector<Use> future_;  // [access]
};

/// Buckets of objects with as many references since they entered the cache, each first in, first
/// out; the count is forgotten on eviction.
class LfuBuckets final : public CacheModel {
 public:
  using CacheModel::CacheModel;

  [[nodiscard]] std::set<std::uint64_t> contents() const override {
    std::set<std::uint64_t> objects;
    for (const auto& [object, count] : counts_) objects.insert(object);
    return objects;
  }

 private:
  bool do_access(std::uint64_t object) override {
    const bool hit = counts_.contains(object);
    if (hit) {
      leave_bucket(counts_.at(object), object);
    } else if (counts_.size() == capacity()) {
      const auto& [count, bucket] = *buckets_.begin();
      const std::uint64_t victim = bucket.back();
      leave_bucket(count, victim);
      counts_.erase(victim);
      evicted(victim);
    }
    buckets_[++counts_[object]].push_front(object);
    return hit;
  }

  void leave_bucket(std::uint64_t count, std::uint64_t object) {
    Queue& bucket = buckets_.at(count);
    bucket.remove(object);
    if (bucket.empty()) buckets_.erase(count);
  }

  std::map<std::uint64_t, Queue> buckets_;
  std::unordered_map<std::uint64_t, std::uint64_t> counts_;
};

}  // namespace

namespace makers {

std::unique_ptr<CacheModel> lfu(std::size_t capacity, const CacheModelParams& /*params*/) {
  return std::make_unique<LfuBuckets>(capacity);
}

std::unique_ptr<CacheModel> lfu_recency(std::size_t capacity, const CacheModelParams& /*params*/) {
  return std::make_unique<LfuRecency>(capacity);
}

/// Textbook LFUDA is GDSF without sizes (Arlitt et al., "Evaluating content management techniques
/// for Web proxy caches", 2000).
std::unique_ptr<CacheModel> lfuda(std::size_t capacity, const CacheModelParams& params) {
  if (params.compound_age) return std::make_unique<LfudaCompound>(capacity);
  return std::make_unique<Gdsf>(capacity);
}

std::unique_ptr<CacheModel> gdsf(std::size_t capacity, const CacheModelParams& /*params*/) {
  return std::make_unique<Gdsf>(capacity);
}

std::unique_ptr<CacheModel> lru_k(std::size_t capacity, const CacheModelParams& params) {
  return std::make_unique<Lru2>(capacity, params.history);
}

std::unique_ptr<CacheModel> belady(std::size_t capacity, const CacheModelParams& params) {
  return std::make_unique<Belady>(capacity, params);
}

}  // namespace makers

}  // namespace terrace::oracle
