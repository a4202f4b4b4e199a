#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "kernels/cpu/vectors.hpp"

/// The two products of attention on rows of fp32 numbers, by registers.
namespace terrace::kernels::cpu {

template <int kLanes>
[[gnu::always_inline]] inline Floats<kLanes> load(const float* from) {
  Floats<kLanes> x;
  std::memcpy(&x, from, sizeof x);
  return x;
}

template <int kLanes>
[[gnu::always_inline]] inline void store(float* to, const Floats<kLanes>& x) {
  std::memcpy(to, &x, sizeof x);
}

/// Lanes of x hold groups of kGroup lanes, a group for each sum, as do those of y. Adds the halves
/// of each group: half as large groups, those of x in front.
template <int kLanes, std::size_t kGroup, std::size_t... kLane>
[[gnu::always_inline]] inline Floats<kLanes> add_halves(const Floats<kLanes>& x,
                                                        const Floats<kLanes>& y,
                                                        std::index_sequence<kLane...>) {
  constexpr std::size_t kHalf = kGroup / 2;
  return __builtin_shufflevector(x, y, (kLane / kHalf * kGroup + kLane % kHalf)...) +
         __builtin_shufflevector(x, y, (kLane / kHalf * kGroup + kLane % kHalf + kHalf)...);
}

/// The sums over the lanes of kCount registers, in the first lanes of one. Registers are added in
/// pairs, so that the last steps are shared. REQUIRES: kCount a power of 2, at most kLanes.
template <int kLanes, int kCount, std::size_t kGroup = kLanes>
[[gnu::always_inline]] inline Floats<kLanes> sums_of(const Floats<kLanes>* x) {
  if constexpr (kGroup == 1) {
    return x[0];
  } else {
    constexpr int kPairs = kCount > 1 ? kCount / 2 : 1;
    Floats<kLanes> pairs[std::size_t{kPairs}];
    for (std::int64_t i = 0; i < kPairs; ++i) {
      pairs[i] = add_halves<kLanes, kGroup>(x[2 * i], x[kCount > 1 ? 2 * i + 1 : 0],
                                            std::make_index_sequence<std::size_t{kLanes}>());
    }
    return sums_of<kLanes, kPairs, kGroup / 2>(pairs);
  }
}

template <int kLanes>
[[gnu::always_inline]] inline float sum_of(const Floats<kLanes>& x) {
  return sums_of<kLanes, 1>(&x)[0];
}

template <int kLanes>
[[gnu::always_inline]] inline float largest_of(const Floats<kLanes>& x) {
  float largest = x[0];
  for (std::int64_t i = 1; i < kLanes; ++i) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

/// Rows of equal length, `stride` numbers apart.
template <class Number>
struct Rows {
  Number* begin;
  std::int64_t stride;
  [[gnu::always_inline]] Number* operator[](std::int64_t i) const { return begin + i * stride; }
};

/// out[i][j] = a[i] . b[j]. REQUIRES: dim a multiple of 16.
template <int kLanes, int kA, int kB>
[[gnu::always_inline]] inline void dot_products(Rows<const float> a, Rows<const float> b,
                                                std::int64_t dim, Rows<float> out) {
  constexpr std::int64_t kSums = kA * kB;
  constexpr std::int64_t kAtOnce = kSums < kLanes ? kSums : kLanes;
  Floats<kLanes> sums[std::size_t{kSums}] = {};
  for (std::int64_t d = 0; d < dim; d += kLanes) {
    Floats<kLanes> y[std::size_t{kB}];
    for (std::int64_t j = 0; j < kB; ++j) y[j] = load<kLanes>(b[j] + d);
    for (std::int64_t i = 0; i < kA; ++i) {
      const Floats<kLanes> x = load<kLanes>(a[i] + d);
      for (std::int64_t j = 0; j < kB; ++j) sums[i * kB + j] += x * y[j];
    }
  }
  for (std::int64_t first = 0; first < kSums; first += kAtOnce) {
    const Floats<kLanes> found = sums_of<kLanes, kAtOnce>(sums + first);
    for (std::int64_t i = 0; i < kAtOnce; ++i) {
      out[(first + i) / kB][(first + i) % kB] = found[i];
    }
  }
}

/// out[i] += sum over t in [first, last) of weights[i][t] values[t], on kWide registers at `d`.
template <int kLanes, int kRows, int kWide>
[[gnu::always_inline]] inline void add_weighted(Rows<const float> weights, std::int64_t first,
                                                std::int64_t last, Rows<const float> values,
                                                std::int64_t d, Rows<float> out) {
  Floats<kLanes> sums[std::size_t{kRows}][std::size_t{kWide}];
  for (std::int64_t i = 0; i < kRows; ++i) {
    for (std::int64_t w = 0; w < kWide; ++w) sums[i][w] = load<kLanes>(out[i] + d + w * kLanes);
  }
  for (std::int64_t t = first; t < last; ++t) {
    Floats<kLanes> v[std::size_t{kWide}];
    for (std::int64_t w = 0; w < kWide; ++w) v[w] = load<kLanes>(values[t] + d + w * kLanes);
    for (std::int64_t i = 0; i < kRows; ++i) {
      for (std::int64_t w = 0; w < kWide; ++w) sums[i][w] += weights[i][t] * v[w];
    }
  }
  for (std::int64_t i = 0; i < kRows; ++i) {
    for (std::int64_t w = 0; w < kWide; ++w) store<kLanes>(out[i] + d + w * kLanes, sums[i][w]);
  }
}

/// The same on rows of `dim` numbers. REQUIRES: dim a multiple of 16.
template <int kLanes, int kRows>
[[gnu::always_inline]] inline void add_weighted_rows(Rows<const float> weights, std::int64_t first,
                                                     std::int64_t last, Rows<const float> values,
                                                     std::int64_t dim, Rows<float> out) {
  constexpr int kWide = kRows == 1 ? 4 : 2;
  std::int64_t d = 0;
  for (; d + kWide * kLanes <= dim; d += kWide * kLanes) {
    add_weighted<kLanes, kRows, kWide>(weights, first, last, values, d, out);
  }
  for (; d < dim; d += kLanes) {
    add_weighted<kLanes, kRows, 1>(weights, first, last, values, d, out);
  }
}

}  // namespace terrace::kernels::cpu
