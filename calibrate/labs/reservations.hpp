#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

#include "sim/base/check.hpp"

namespace terrace::labs {

/// Who has which blocks of a pool. They are handed out in runs of `unit` neighbours: one makes a
/// paged cache, as many as the longest text needs a contiguous one (Kwon et al., "Efficient memory
/// management for large language model serving with PagedAttention", 2023, figure 3).
class Reservations {
 public:
  Reservations(std::int64_t blocks, std::int64_t unit)
      : unit_(unit), free_(static_cast<std::size_t>(blocks / unit)) {
    TERRACE_CHECK(unit > 0);
    std::iota(free_.rbegin(), free_.rend(), 0);
    runs_ = static_cast<std::int64_t>(free_.size());
  }

  /// Lets `held` have at least so many blocks. False, and nothing changes, if there is no room.
  bool grow(std::vector<std::int32_t>& held, std::int64_t count) {
    const std::int64_t missing = count - static_cast<std::int64_t>(held.size());
    const std::int64_t runs = missing > 0 ? (missing + unit_ - 1) / unit_ : 0;
    if (runs > static_cast<std::int64_t>(free_.size())) return false;
    for (std::int64_t i = 0; i < runs; ++i) {
      for (std::int64_t b = 0; b < unit_; ++b) {
        held.push_back(static_cast<std::int32_t>(free_.back() * unit_ + b));
      }
      free_.pop_back();
    }
    return true;
  }

  void release(std::vector<std::int32_t>& held) {
    for (std::size_t i = 0; i < held.size(); i += static_cast<std::size_t>(unit_)) {
      free_.push_back(held[i] / unit_);
    }
    held.clear();
  }

  /// Blocks that are out.
  [[nodiscard]] std::int64_t reserved() const {
    return (runs_ - static_cast<std::int64_t>(free_.size())) * unit_;
  }

 private:
  std::int64_t unit_;
  std::int64_t runs_ = 0;
  std::vector<std::int64_t> free_;
};

}  // namespace terrace::labs
