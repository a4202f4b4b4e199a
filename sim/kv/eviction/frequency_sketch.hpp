#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "sim/base/id.hpp"
#include "sim/base/portable_math.hpp"

namespace terrace {

/// How often contents were counted, approximately, in little memory: a counting Bloom filter (Fan
/// et al., "Summary cache", 2000). Never too low. Its size, number of hashes and hashes are those
/// of libCacheSim, which makes its collisions the same, too.
class FrequencySketch {
 public:
  /// For so many contents of which the part `error` is overestimated.
  FrequencySketch(std::int64_t contents, double error) {
    constexpr double kLn2 = 0.693147180559945;
    const double per_content = -portable::ln(error) / (kLn2 * kLn2);
    hashes_ = static_cast<std::uint32_t>(std::ceil(kLn2 * per_content));
    const double wanted = std::min(std::ceil(per_content * static_cast<double>(contents)),
                                   static_cast<double>(std::numeric_limits<std::int32_t>::max()));
    const auto counters = static_cast<std::uint32_t>(wanted);
    counters_.resize(counters < hashes_ ? std::size_t{2} * hashes_ : counters);
  }

  void count(ContentId content) {
    for_each_counter(content, [](std::uint32_t& counter) { ++counter; });
  }

  [[nodiscard]] std::uint32_t estimate(ContentId content) {
    std::uint32_t least = std::numeric_limits<std::uint32_t>::max();
    for_each_counter(content, [&](std::uint32_t counter) { least = std::min(least, counter); });
    return least;
  }

  void halve() {
    for (std::uint32_t& counter : counters_) counter /= 2;
  }

 private:
  template <class Visit>
  void for_each_counter(ContentId content, Visit visit) {
    const auto size = static_cast<std::uint32_t>(counters_.size());
    const std::uint64_t number = content.index() + std::uint64_t{1};  // objects are counted from 1
    std::uint32_t hash = xxh64(number, 0x12345678);
    const std::uint32_t step = xxh64(number, 0x12344321);
    for (std::uint32_t i = 0; i < hashes_; ++i, hash += step) visit(counters_[hash % size]);
  }

  /// The low half of XXH64 of one 64-bit word (github.com/Cyan4973/xxHash, doc/xxhash_spec.md).
  static std::uint32_t xxh64(std::uint64_t word, std::uint64_t seed) {
    constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87;
    constexpr std::uint64_t kPrime2 = 0xC2B2AE3D27D4EB4F;
    constexpr std::uint64_t kPrime3 = 0x165667B19E3779F9;
    constexpr std::uint64_t kPrime4 = 0x85EBCA77C2B2AE63;
    constexpr std::uint64_t kPrime5 = 0x27D4EB2F165667C5;
    const auto rotated = [](std::uint64_t x, unsigned bits) {
      return (x << bits) | (x >> (64 - bits));
    };
    std::uint64_t hash = seed + kPrime5 + 8;
    hash ^= rotated(word * kPrime2, 31) * kPrime1;
    hash = rotated(hash, 27) * kPrime1 + kPrime4;
    hash = (hash ^ (hash >> 33U)) * kPrime2;
    hash = (hash ^ (hash >> 29U)) * kPrime3;
    return static_cast<std::uint32_t>(hash ^ (hash >> 32U));
  }

  std::uint32_t hashes_ = 0;
  std::vector<std::uint32_t> counters_;
};

}  // namespace terrace
