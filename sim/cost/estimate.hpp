#pragma once

#include <cstdint>

#include "sim/base/units.hpp"

namespace terrace {

/// How long something takes.
struct Estimate {
  Duration time{};
  bool extrapolated = false;  // some part lies outside what was measured

  Estimate& operator+=(const Estimate& other) {
    time = saturating_sum(time, other.time);
    extrapolated = extrapolated || other.extrapolated;
    return *this;
  }
  friend Estimate operator+(Estimate a, const Estimate& b) { return a += b; }
  friend Estimate operator*(std::int64_t times, const Estimate& one) {
    return {one.time > Duration::max() / (times + 1) ? Duration::max() : times * one.time,
            one.extrapolated};
  }

 private:
  static Duration saturating_sum(Duration a, Duration b) {
    return a > Duration::max() - b ? Duration::max() : a + b;
  }
};

}  // namespace terrace
