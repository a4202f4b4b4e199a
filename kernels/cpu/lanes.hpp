#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

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

/// The sum over the lanes, by halves.
template <int kLanes>
[[gnu::always_inline]] inline float sum_of(const Floats<kLanes>& x) {
  if constexpr (kLanes == 1) {
    return x[0];
  } else {
    const auto halves = std::bit_cast<std::array<Floats<kLanes / 2>, 2>>(x);
    return sum_of<kLanes / 2>(halves[0] + halves[1]);
  }
}

template <int kLanes>
[[gnu::always_inline]] inline float largest_of(const Floats<kLanes>& x) {
  if constexpr (kLanes == 1) {
    return x[0];
  } else {
    const auto halves = std::bit_cast<std::array<Floats<kLanes / 2>, 2>>(x);
    return largest_of<kLanes / 2>(halves[0] > halves[1] ? halves[0] : halves[1]);
  }
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
  Floats<kLanes> sums[std::size_t{kA}][std::size_t{kB}] = {};
  for (std::int64_t d = 0; d < dim; d += kLanes) {
    Floats<kLanes> y[std::size_t{kB}];
    for (std::int64_t j = 0; j < kB; ++j) y[j] = load<kLanes>(b[j] + d);
    for (std::int64_t i = 0; i < kA; ++i) {
      const Floats<kLanes> x = load<kLanes>(a[i] + d);
      for (std::int64_t j = 0; j < kB; ++j) sums[i][j] += x * y[j];
    }
  }
  for (std::int64_t i = 0; i < kA; ++i) {
    for (std::int64_t j = 0; j < kB; ++j) out[i][j] = sum_of<kLanes>(sums[i][j]);
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
