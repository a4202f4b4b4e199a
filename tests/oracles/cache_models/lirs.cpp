#include <algorithm>
#include <cstdint>
#include <unordered_set>

#include "tests/oracles/cache_models/makers.hpp"
#include "tests/oracles/cache_models/queue.hpp"

namespace terrace::oracle {

namespace {

/// Jiang & Zhang, "LIRS: an efficient low inter-reference recency set replacement policy",
/// SIGMETRICS 2002, with its letters; 1 % of the cache, at least one object, is for HIR objects.
///
/// libCacheSim departs from it in two ways. A hit on an HIR object in Q but not in S demotes an LIR
/// object, although none came to be LIR, and so evicts another HIR object. And S is limited:
/// non-resident objects leave it in the order of their eviction.
class Lirs final : public CacheModel {
 public:
  Lirs(std::size_t capacity, const CacheModelParams& params)
      : CacheModel(capacity),
        q_limit_(std::max<std::size_t>(1, capacity / 100)),
        lir_limit_(capacity - q_limit_),
        stack_limit_(params.lirs_stack),
        demotes_early_(params.lirs_demotes_early) {}

  [[nodiscard]] std::set<std::uint64_t> contents() const override { return all_of(lir_, q_); }

 private:
  bool do_access(std::uint64_t object) override {
    const bool hit = lir_.contains(object) || q_.contains(object);
    if (hit) {
      on_hit(object);
    } else {
      on_miss(object);
    }
    limit_stack();
    return hit;
  }

  void on_hit(std::uint64_t object) {
    if (lir_.contains(object)) {
      s_.move_to_front(object);
      prune();
    } else if (s_.contains(object)) {
      q_.remove(object);
      become_lir(object);
    } else {
      q_.move_to_front(object);
      // Where Q has but one place, the object itself would go.
      if (demotes_early_ && lir_.size() == lir_limit_ && q_limit_ > 1) {
        if (q_.size() == q_limit_) evict();
        demote();
      }
      s_.push_front(object);
    }
  }

  void on_miss(std::uint64_t object) {
    if (lir_.size() + q_.size() == capacity()) evict();
    if (s_.contains(object)) {
      gone_.remove(object);
      become_lir(object);
    } else if (lir_.size() < lir_limit_) {
      s_.push_front(object);
      lir_.insert(object);
    } else {
      s_.push_front(object);
      q_.push_front(object);
      prune();
    }
  }

  void become_lir(std::uint64_t object) {
    s_.move_to_front(object);
    lir_.insert(object);
    if (lir_.size() > lir_limit_) demote();
  }

  /// The LIR object at the bottom of S becomes the newest HIR object.
  void demote() {
    const std::uint64_t bottom = s_.pop_back();
    lir_.erase(bottom);
    q_.push_front(bottom);
    prune();
  }

  void evict() {
    const std::uint64_t victim = q_.pop_back();
    if (s_.contains(victim)) gone_.push_front(victim);
    evicted(victim);
  }

  /// An LIR object is to be at the bottom of S.
  void prune() {
    while (!s_.empty() && !lir_.contains(s_.back())) gone_.remove_if_there(s_.pop_back());
  }

  void limit_stack() {
    if (stack_limit_ == CacheModelParams::kUnlimited) return;
    while (s_.size() > stack_limit_ * capacity() && !gone_.empty()) s_.remove(gone_.pop_back());
  }

  std::size_t q_limit_;
  std::size_t lir_limit_;
  std::size_t stack_limit_;
  bool demotes_early_;
  Queue s_;                                // by recency
  std::unordered_set<std::uint64_t> lir_;  // all are in s_
  Queue q_;                                // resident HIR objects
  Queue gone_;                             // non-resident HIR objects of s_, by time of eviction
};

}  // namespace

std::unique_ptr<CacheModel> makers::lirs(std::size_t capacity, const CacheModelParams& params) {
  return std::make_unique<Lirs>(capacity, params);
}

}  // namespace terrace::oracle
