#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace terrace {

using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

/// Philox4x32-10, a keyed bijection of 128-bit counters that passes BigCrush, as published by
/// Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011. Least significant word
/// first.
PhiloxCounter philox4x32_10(const PhiloxCounter& counter, const PhiloxKey& key);

/// A named stream of random numbers: the seed says which run, the name says who draws.
///
/// Each consumer owns a stream, so that adding one consumer, or letting it draw more, changes what
/// no other consumer sees. The i-th pair of draws is Philox of (i, hash of the name) under the hash
/// of the seed: streams need no set-up, and what they give depends on nothing but seed, name and
/// position, on any machine. A copy repeats the draws of its original.
class Random {
 public:
  Random(std::uint64_t seed, std::string_view name);

  /// The stream of one entity among many, such as a request. It depends on this stream's seed and
  /// name but not on its position: entity 7 gets the same luck whoever else exists.
  [[nodiscard]] Random fork(std::uint64_t index) const;
  [[nodiscard]] Random fork(std::string_view name) const;

  /// 64 uniform bits. About 10 ns.
  std::uint64_t next() {
    if (used_ == words_.size()) refill();
    return words_[used_++];
  }

  /// Uniform on the multiples of 2^-53 in [0, 1).
  double uniform() { return static_cast<double>(next() >> 11U) * 0x1p-53; }

  /// Uniform on the multiples of 2^-53 in (0, 1]: fit for a logarithm.
  double uniform_positive() { return static_cast<double>((next() >> 11U) + 1) * 0x1p-53; }

  /// Uniform on 0 .. n-1, without bias. REQUIRES: n > 0.
  std::uint64_t below(std::uint64_t n);

 private:
  struct Stream {
    std::uint64_t seed_hash;
    std::uint64_t name_hash;
  };
  explicit Random(Stream stream) : stream_(stream) {}

  void refill();

  Stream stream_;
  std::uint64_t block_ = 0;
  std::array<std::uint64_t, 2> words_{};
  std::size_t used_ = words_.size();
};

}  // namespace terrace
