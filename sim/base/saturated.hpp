#pragma once

#include <cstdint>

#include "sim/base/units.hpp"

namespace terrace {

/// `n` times as much, or the most there is. REQUIRES: neither is negative.
constexpr Bytes saturated(Bytes each, std::int64_t n) {
  return n > 0 && each.count() > Bytes::max().count() / n ? Bytes::max() : each * n;
}

}  // namespace terrace
