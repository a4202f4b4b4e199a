#pragma once

#include <cstdint>

#include "sim/base/histogram.hpp"
#include "sim/base/units.hpp"
#include "sim/kv/block_pool.hpp"

namespace terrace {

/// How full a pool has been, over time. It is looked at when a step ends: what it holds then, it
/// held all through the step; between steps it held what it did after the last look. Off by what
/// finishes with a step, since those blocks are gone when it is looked at.
class Occupancy {
 public:
  explicit Occupancy(const BlockPool& pool) : pool_(&pool) {}

  /// A step that began at `start` has just ended. Steps of several replicas may overlap. O(1).
  void look(SimTime start, SimTime now) {
    if (start > since_) pass(start);
    occupied_ = pool_->occupied_blocks();
    held_ = pool_->held_blocks();
    if (now > since_) pass(now);
  }

  /// Block-picoseconds up to the last look.
  [[nodiscard]] Histogram::Sum occupied() const { return occupied_time_; }
  [[nodiscard]] Histogram::Sum held() const { return held_time_; }
  [[nodiscard]] const BlockPool& pool() const { return *pool_; }

 private:
  void pass(SimTime now) {
    const std::int64_t span = (now - since_).count();
    occupied_time_ += Histogram::Sum{occupied_} * span;
    held_time_ += Histogram::Sum{held_} * span;
    since_ = now;
  }

  const BlockPool* pool_;
  SimTime since_{};
  std::int64_t occupied_ = 0;  // as of the last look
  std::int64_t held_ = 0;
  Histogram::Sum occupied_time_ = 0;
  Histogram::Sum held_time_ = 0;
};

}  // namespace terrace
