#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "sim/base/function_ref.hpp"
#include "sim/study/mrc/block_stream.hpp"

namespace terrace {

/// Asked now and then, with the accesses done since; whether to go on.
using StudyProgress = FunctionRef<bool(std::uint64_t accesses)>;
constexpr std::uint64_t kAccessesBetweenQuestions = std::uint64_t{1} << 16U;

/// What LRU caches of all sizes hit, exactly, from one pass over the stream.
///
/// A block hits in C blocks if its stack distance is at most C, and can be used if none of its
/// request up to it has a greater one. Memory is O(distinct blocks + requests).
class LruCurve {
 public:
  /// Stops early, and is then of no use, if `proceed` says so: ask complete().
  LruCurve(const BlockStream& stream, StudyProgress proceed);

  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] HitCounts at(std::int64_t capacity) const;

 private:
  /// How many blocks by distance, and the tokens by which they are not full.
  struct Counts {
    std::vector<std::int64_t> blocks;
    std::vector<std::pair<std::uint32_t, std::int64_t>> padding;

    void add(std::uint32_t distance, std::int64_t padded);
    void accumulate();
    [[nodiscard]] std::pair<std::int64_t, std::int64_t> up_to(std::int64_t distance) const;
  };

  Tokens block_size_;
  Counts all_;
  Counts usable_;
  bool complete_ = true;
};

}  // namespace terrace
