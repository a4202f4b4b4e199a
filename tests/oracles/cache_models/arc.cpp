#include <algorithm>
#include <cstdint>

#include "tests/oracles/cache_models/makers.hpp"
#include "tests/oracles/cache_models/queue.hpp"

namespace terrace::oracle {

namespace {

/// Megiddo & Modha, "ARC: a self-tuning, low overhead replacement cache", FAST 2003, figure 4, with
/// its letters. Rounding: p is a double. When T2 is empty, REPLACE takes from T1.
class Arc final : public CacheModel {
 public:
  using CacheModel::CacheModel;
  [[nodiscard]] std::set<std::uint64_t> contents() const override { return all_of(t1_, t2_); }

 private:
  bool do_access(std::uint64_t x) override {
    if (t1_.remove_if_there(x) || t2_.remove_if_there(x)) {  // case I
      t2_.push_front(x);
      return true;
    }
    const auto c = static_cast<double>(capacity());
    if (b1_.contains(x)) {  // case II
      p_ = std::min(c, p_ + std::max(1.0, ratio(b2_, b1_)));
      replace(false);
      b1_.remove(x);
      t2_.push_front(x);
    } else if (b2_.contains(x)) {  // case III
      p_ = std::max(0.0, p_ - std::max(1.0, ratio(b1_, b2_)));
      replace(true);
      b2_.remove(x);
      t2_.push_front(x);
    } else {  // case IV
      make_room();
      t1_.push_front(x);
    }
    return false;
  }

  void make_room() {
    const std::size_t l1 = t1_.size() + b1_.size();
    const std::size_t total = l1 + t2_.size() + b2_.size();
    if (l1 == capacity()) {
      if (t1_.size() < capacity()) {
        b1_.pop_back();
        replace(false);
      } else {
        evicted(t1_.pop_back());
      }
    } else if (total >= capacity()) {
      if (total >= 2 * capacity()) b2_.pop_back();
      replace(false);
    }
  }

  void replace(bool x_in_b2) {
    const auto size = static_cast<double>(t1_.size());
    const bool from_t1 = !t1_.empty() && (size > p_ || (x_in_b2 && size == p_));
    if (from_t1 || t2_.empty()) {
      b1_.push_front(t1_.back());
      evicted(t1_.pop_back());
    } else {
      b2_.push_front(t2_.back());
      evicted(t2_.pop_back());
    }
  }

  static double ratio(const Queue& a, const Queue& b) {
    return static_cast<double>(a.size()) / static_cast<double>(b.size());
  }

  Queue t1_;  // seen once lately
  Queue t2_;  // seen twice or more
  Queue b1_;  // evicted from t1_
  Queue b2_;  // evicted from t2_
  double p_ = 0;
};

}  // namespace

std::unique_ptr<CacheModel> makers::arc(std::size_t capacity, const CacheModelParams& /*params*/) {
  return std::make_unique<Arc>(capacity);
}

}  // namespace terrace::oracle
