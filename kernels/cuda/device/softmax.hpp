#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/cuda/device/machine.hpp"

namespace terrace::kernels::cuda {

/// What a thread's two rows of a 16-row fragment have gathered, with a softmax that is corrected as
/// larger scores come (Milakov & Gimelshein, 2018). Scores are of base 2.
struct SoftmaxRows {
  float largest[2] = {never(), never()};  // of the row: the same in the four threads that share it
  float weight[2] = {0, 0};               // of what this thread has seen of the row
};

/// Over the four threads that share the rows of a fragment.
template <class M>
TERRACE_DEVICE float largest_of_row(float x) {
  x = fmaxf(x, M::shuffle_xor(x, 1));
  return fmaxf(x, M::shuffle_xor(x, 2));
}
template <class M>
TERRACE_DEVICE float sum_of_row(float x) {
  x += M::shuffle_xor(x, 1);
  return x + M::shuffle_xor(x, 2);
}

/// The largest score of each of the two rows among N fragments.
template <class M, int N>
TERRACE_DEVICE void largest_scores(const float (&s)[N][4], float (&top)[2]) {
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    float most = never();
#pragma unroll
    for (int n = 0; n < N; ++n) most = fmaxf(most, fmaxf(s[n][2 * r], s[n][2 * r + 1]));
    top[r] = largest_of_row<M>(most);
  }
}

/// Scores become weights relative to the largest score so far, `top` included, in words that are
/// halves of A fragments. What was gathered before has to be multiplied with `factor`.
template <class M, class Operand, int N>
TERRACE_DEVICE void weigh(const float (&s)[N][4], const float (&top)[2], SoftmaxRows& rows,
                          float (&factor)[2], std::uint32_t (&weights)[N][2]) {
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    const float largest = fmaxf(rows.largest[r], top[r]);
    const float base = largest == never() ? 0.0F : largest;  // nothing seen: all weights are 0
    factor[r] = M::exp2(rows.largest[r] - base);
    rows.largest[r] = largest;
    float sum = 0;
#pragma unroll
    for (int n = 0; n < N; ++n) {
      const float even = M::exp2(s[n][2 * r] - base);
      const float odd = M::exp2(s[n][2 * r + 1] - base);
      sum += even + odd;
      weights[n][r] = M::pack(Operand{}, even, odd);
    }
    rows.weight[r] = rows.weight[r] * factor[r] + sum;
  }
}

/// sums += weights values, for RowTiles times 16 rows of weights on 16 * Steps rows of values in a
/// tile, and 32 * Blocks dimensions from 32 * first_block on.
template <class M, class F, int RowTiles, int Steps, int Blocks>
TERRACE_DEVICE void add_values(const std::uint32_t (&weights)[RowTiles][2 * Steps][2],
                               const std::byte* tile, int first_block,
                               float (&sums)[RowTiles][4 * Blocks][4]) {
#pragma unroll
  for (int k = 0; k < Steps; ++k) {
#pragma unroll
    for (int j = 0; j < Blocks; ++j) {
      std::uint32_t b[4][2];
      F::values(tile, 16 * k, first_block + j, b);
#pragma unroll
      for (int m = 0; m < RowTiles; ++m) {
        const std::uint32_t a[4] = {weights[m][2 * k][0], weights[m][2 * k][1],
                                    weights[m][2 * k + 1][0], weights[m][2 * k + 1][1]};
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          M::multiply_add(typename F::Operand{}, sums[m][4 * j + i], a, b[i]);
        }
      }
    }
  }
}

template <int N>
TERRACE_DEVICE void correct(float (&sums)[N][4], const float (&factor)[2]) {
#pragma unroll
  for (int n = 0; n < N; ++n) {
#pragma unroll
    for (int c = 0; c < 4; ++c) sums[n][c] *= factor[c / 2];
  }
}

}  // namespace terrace::kernels::cuda
