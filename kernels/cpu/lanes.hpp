#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "kernels/cpu/vectors.hpp"

/// The two products of attention on rows of fp32 numbers, by registers.
namespace terrace::kernels::cpu {

template <int Lanes>
[[gnu::always_inline]] inline Floats<Lanes> load(const float* from) {
  Floats<Lanes> x;
  std::memcpy(&x, from, sizeof x);
  return x;
}

template <int Lanes>
[[gnu::always_inline]] inline void store(float* to, const Floats<Lanes>& x) {
  std::memcpy(to, &x, sizeof x);
}

/// Lanes of x hold groups of Group lanes, a group for each sum, as do those of y. Adds the halves
/// of each group: half as large groups, those of x in front.
template <int Lanes, std::size_t Group, std::size_t... Lane>
[[gnu::always_inline]] inline Floats<Lanes> add_halves(const Floats<Lanes>& x,
                                                       const Floats<Lanes>& y,
                                                       std::index_sequence<Lane...>) {
  constexpr std::size_t kHalf = Group / 2;
  return __builtin_shufflevector(x, y, (Lane / kHalf * Group + Lane % kHalf)...) +
         __builtin_shufflevector(x, y, (Lane / kHalf * Group + Lane % kHalf + kHalf)...);
}

/// The sums over the lanes of Count registers, in the first lanes of one. Registers are added in
/// pairs, so that the last steps are shared. REQUIRES: Count a power of 2, at most Lanes.
template <int Lanes, int Count, std::size_t Group = Lanes>
[[gnu::always_inline]] inline Floats<Lanes> sums_of(const Floats<Lanes>* x) {
  if constexpr (Group == 1) {
    return x[0];
  } else {
    constexpr int kPairs = Count > 1 ? Count / 2 : 1;
    Floats<Lanes> pairs[std::size_t{kPairs}];
    for (std::int64_t i = 0; i < kPairs; ++i) {
      pairs[i] = add_halves<Lanes, Group>(x[2 * i], x[Count > 1 ? 2 * i + 1 : 0],
                                          std::make_index_sequence<std::size_t{Lanes}>());
    }
    return sums_of<Lanes, kPairs, Group / 2>(pairs);
  }
}

template <int Lanes>
[[gnu::always_inline]] inline float sum_of(const Floats<Lanes>& x) {
  return sums_of<Lanes, 1>(&x)[0];
}

template <int Lanes>
[[gnu::always_inline]] inline float largest_of(const Floats<Lanes>& x) {
  float largest = x[0];
  for (std::int64_t i = 1; i < Lanes; ++i) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

/// Rows of equal length, `stride` numbers apart.
template <class Number>
struct Rows {
  Number* begin = nullptr;
  std::int64_t stride = 0;
  [[nodiscard, gnu::always_inline]] Number* operator[](std::int64_t i) const {
    return begin + i * stride;
  }
};

/// How many rows of b four rows of a are multiplied with at a time, so that the sums stay in 32
/// registers, which the widest vectors come with, or in 16.
template <int Lanes>
inline constexpr int kBesideFour = Lanes == 16 ? 4 : 2;

/// out[i][j] = a[i] . b[j]. REQUIRES: dim a multiple of 16.
template <int Lanes, int A, int B>
[[gnu::always_inline]] inline void dot_products(Rows<const float> a, Rows<const float> b,
                                                std::int64_t dim, Rows<float> out) {
  constexpr std::int64_t kSums = std::int64_t{A} * B;
  constexpr std::int64_t kAtOnce = kSums < Lanes ? kSums : Lanes;
  Floats<Lanes> sums[std::size_t{kSums}] = {};
  for (std::int64_t d = 0; d < dim; d += Lanes) {
    Floats<Lanes> y[std::size_t{B}];
    for (std::int64_t j = 0; j < B; ++j) y[j] = load<Lanes>(b[j] + d);
    for (std::int64_t i = 0; i < A; ++i) {
      const Floats<Lanes> x = load<Lanes>(a[i] + d);
      for (std::int64_t j = 0; j < B; ++j) sums[i * B + j] += x * y[j];
    }
  }
  for (std::int64_t first = 0; first < kSums; first += kAtOnce) {
    const Floats<Lanes> found = sums_of<Lanes, kAtOnce>(sums + first);
    for (std::int64_t i = 0; i < kAtOnce; ++i) {
      out[(first + i) / B][(first + i) % B] = found[i];
    }
  }
}

/// out[i] += sum over t in [first, last) of weights[i][t] values[t], on Wide registers at `d`.
template <int Lanes, int RowCount, int Wide>
[[gnu::always_inline]] inline void add_weighted(Rows<const float> weights, std::int64_t first,
                                                std::int64_t last, Rows<const float> values,
                                                std::int64_t d, Rows<float> out) {
  Floats<Lanes> sums[std::size_t{RowCount}][std::size_t{Wide}];
  for (std::int64_t i = 0; i < RowCount; ++i) {
    for (std::int64_t w = 0; w < Wide; ++w) sums[i][w] = load<Lanes>(out[i] + d + w * Lanes);
  }
  for (std::int64_t t = first; t < last; ++t) {
    Floats<Lanes> v[std::size_t{Wide}];
    for (std::int64_t w = 0; w < Wide; ++w) v[w] = load<Lanes>(values[t] + d + w * Lanes);
    for (std::int64_t i = 0; i < RowCount; ++i) {
      for (std::int64_t w = 0; w < Wide; ++w) sums[i][w] += weights[i][t] * v[w];
    }
  }
  for (std::int64_t i = 0; i < RowCount; ++i) {
    for (std::int64_t w = 0; w < Wide; ++w) store<Lanes>(out[i] + d + w * Lanes, sums[i][w]);
  }
}

/// The same on rows of `dim` numbers. REQUIRES: dim a multiple of 16.
template <int Lanes, int RowCount>
[[gnu::always_inline]] inline void add_weighted_rows(Rows<const float> weights, std::int64_t first,
                                                     std::int64_t last, Rows<const float> values,
                                                     std::int64_t dim, Rows<float> out) {
  constexpr int kWide = RowCount == 1 ? 4 : 2;
  constexpr std::int64_t kStep = std::int64_t{kWide} * Lanes;
  std::int64_t d = 0;
  for (; d + kStep <= dim; d += kStep) {
    add_weighted<Lanes, RowCount, kWide>(weights, first, last, values, d, out);
  }
  for (; d < dim; d += Lanes) {
    add_weighted<Lanes, RowCount, 1>(weights, first, last, values, d, out);
  }
}

}  // namespace terrace::kernels::cpu
