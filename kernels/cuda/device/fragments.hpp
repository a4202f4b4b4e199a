#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/array.hpp"
#include "kernels/cuda/device/machine.hpp"

/// Rows of keys and values in shared memory, and how warps read them as operands of mma.m16n8k16.
///
/// The fragments of that instruction, as the PTX ISA lays them over a warp, with g = lane / 4 and
/// t = lane % 4: A's words hold (row g, columns 2t and 2t + 1), (g + 8, same), (g, 2t + 8 and
/// 2t + 9), (g + 8, same); B's hold (rows 2t and 2t + 1, column g), (rows 2t + 8 and 2t + 9, same);
/// C and D are (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1).
namespace terrace::kernels::cuda {

/// Rows of Dim elements. Their chunks of 16 bytes change places by the row's number, so that eight
/// rows' chunks of one column are in different banks. The banks are 128 bytes wide together: rows
/// of an odd number of halves of that fall on the same ones by twos, and need one place for two.
template <class T, int Dim>
struct TileLayout {
  static constexpr int kRowBytes = Dim * static_cast<int>(sizeof(T));
  static constexpr int kChunks = kRowBytes / 16;
  static constexpr int kPeriod = kChunks & -kChunks;  // the largest power of 2 that divides it
  static constexpr int kMask = (kPeriod < 8 ? kPeriod : 8) - 1;
  static constexpr int kShift = kRowBytes % 128 == 0 ? 0 : 1;

  static TERRACE_DEVICE int place(int row, int chunk) {
    return row * kRowBytes + (chunk ^ (row >> kShift & kMask)) * 16;
  }
};

/// Operands from tiles of 16-bit elements.
template <class M, class T, int Dim>
struct Fragments {
  using Layout = TileLayout<T, Dim>;
  using Operand = T;  // what is multiplied

  /// The dimension that has column 2t + 8 * pair of step k of the queries; the next one follows.
  static TERRACE_DEVICE int query_dim(int k, int t, int pair) { return 16 * k + 2 * t + 8 * pair; }
  /// The dimension of column 2t + c of the `i`-th of four C fragments for dimensions from 32j on.
  static TERRACE_DEVICE int value_dim(int j, int i, int t, int c) {
    return 32 * j + 8 * i + 2 * t + c;
  }

  /// Keys `row` to row + 7, as columns of B, in steps 2j and 2j + 1 of 16 dimensions.
  static TERRACE_DEVICE void keys(const std::byte* tile, int row, int j, std::uint32_t (&b)[2][2]) {
    const int lane = M::thread() % kWarp;
    std::uint32_t r[4];
    M::matrices(r, tile + Layout::place(row + lane % 8, 4 * j + lane / 8));
    b[0][0] = r[0];
    b[0][1] = r[1];
    b[1][0] = r[2];
    b[1][1] = r[3];
  }

  /// Values `row` to row + 15, as rows of B, for 32 dimensions from 32j on: four times 8 columns.
  static TERRACE_DEVICE void values(const std::byte* tile, int row, int j,
                                    std::uint32_t (&b)[4][2]) {
    const int lane = M::thread() % kWarp;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      std::uint32_t r[4];
      M::matrices_transposed(r,
                             tile + Layout::place(row + lane % 16, 4 * j + 2 * half + lane / 16));
      b[2 * half][0] = r[0];
      b[2 * half][1] = r[1];
      b[2 * half + 1][0] = r[2];
      b[2 * half + 1][1] = r[3];
    }
  }
};

/// Operands from tiles of fp8: widened to fp16, which is exact. The order of dimensions in a
/// product is free, so a thread takes four neighbours in one word.
template <class M, int Dim>
struct Fragments<M, Fp8E4m3, Dim> {
  using Layout = TileLayout<Fp8E4m3, Dim>;
  using Operand = Fp16;

  static TERRACE_DEVICE int query_dim(int k, int t, int pair) { return 16 * k + 4 * t + 2 * pair; }
  static TERRACE_DEVICE int value_dim(int j, int i, int t, int c) {
    return 32 * j + 4 * (2 * t + c) + i;
  }

  static TERRACE_DEVICE void keys(const std::byte* tile, int row, int j, std::uint32_t (&b)[2][2]) {
    const int lane = M::thread() % kWarp;
#pragma unroll
    for (int s = 0; s < 2; ++s) {
      const std::uint32_t four = word(tile, row + lane / 4, 2 * j + s, lane % 4);
      b[s][0] = M::widen_fp8(four);
      b[s][1] = M::widen_fp8(four >> 16U);
    }
  }

  static TERRACE_DEVICE void values(const std::byte* tile, int row, int j,
                                    std::uint32_t (&b)[4][2]) {
    const int lane = M::thread() % kWarp;
    const int chunk = 2 * j + lane / 16;  // of dimensions 32j + 4g to 32j + 4g + 3
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int first = row + lane % 4 * 2 + 8 * half;
      const std::uint32_t even = word(tile, first, chunk, lane / 4 % 4);
      const std::uint32_t odd = word(tile, first + 1, chunk, lane / 4 % 4);
      const std::uint32_t low = M::bytes_of(even, odd, 0x5140);  // dimensions 0 and 1, by pairs
      const std::uint32_t high = M::bytes_of(even, odd, 0x7362);
      b[0][half] = M::widen_fp8(low);
      b[1][half] = M::widen_fp8(low >> 16U);
      b[2][half] = M::widen_fp8(high);
      b[3][half] = M::widen_fp8(high >> 16U);
    }
  }

 private:
  static TERRACE_DEVICE std::uint32_t word(const std::byte* tile, int row, int chunk, int i) {
    return reinterpret_cast<const std::uint32_t*>(tile + Layout::place(row, chunk))[i];
  }
};

/// Calls f with a pointer to the numbers of an input, typed.
template <class F>
TERRACE_DEVICE void with_input(ConstArray a, const F& f) {
  if (a.type == Element::fp32) {
    f(static_cast<const float*>(a.begin));
  } else if (a.type == Element::bf16) {
    f(static_cast<const Bf16*>(a.begin));
  } else {
    f(static_cast<const Fp16*>(a.begin));
  }
}

/// Calls f with a pointer to the numbers of an output, typed.
template <class F>
TERRACE_DEVICE void with_output(Array a, const F& f) {
  if (a.type == Element::fp32) {
    f(static_cast<float*>(a.begin));
  } else if (a.type == Element::bf16) {
    f(static_cast<Bf16*>(a.begin));
  } else {
    f(static_cast<Fp16*>(a.begin));
  }
}

TERRACE_DEVICE void store(Array a, std::int64_t i, float x) {
  with_output(a, [=]<class T>(T* out) { out[i] = round_to<T>(x); });
}

/// Row g (`below` 0) or g + 8 (1) of the C fragments of N times 8 columns, times
/// `factor`, as numbers from out[begin] on.
template <class M, class Fragment, int N>
TERRACE_DEVICE void store_row(const float (&sums)[N][4], int below, float factor, Array to,
                              std::int64_t begin) {
  const int t = M::thread() % 4;
  with_output(to, [&]<class T>(T* out) {
#pragma unroll
    for (int n = 0; n < N; ++n) {
#pragma unroll
      for (int c = 0; c < 2; ++c) {
        const float x = below == 0 ? sums[n][c] : sums[n][2 + c];
        out[begin + Fragment::value_dim(n / 4, n % 4, t, c)] = round_to<T>(x * factor);
      }
    }
  });
}

/// Two neighbours, loaded at once.
template <class T>
struct alignas(2 * sizeof(T)) Two {
  T first;
  T second;
};

/// A's words of step k: rows of queries that begin at `row` and `row_below`, 8 rows further down;
/// zeros for a negative one. REQUIRES: q begins at a multiple of two numbers.
template <class M, class F, class Q>
TERRACE_DEVICE void query_words(const Q* q, std::int64_t row, std::int64_t row_below, int k,
                                std::uint32_t (&a)[4]) {
  const int t = M::thread() % 4;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const std::int64_t begin = i % 2 == 0 ? row : row_below;
    const bool there = begin >= 0;  // else row 0 is read for nothing: without branches
    const Two<Q> two =
        *reinterpret_cast<const Two<Q>*>(q + (there ? begin : 0) + F::query_dim(k, t, i / 2));
    const std::uint32_t word =
        M::pack(typename F::Operand{}, to_float(two.first), to_float(two.second));
    a[i] = there ? word : 0;
  }
}

/// The A fragments of all steps, to Steps * 512 bytes of shared memory of this warp, of which each
/// thread reads what it has written. Several steps' loads are in flight at a time.
template <class M, class F, int Steps>
TERRACE_DEVICE void store_queries(ConstArray q, std::int64_t row, std::int64_t row_below,
                                  std::byte* memory) {
  Vector16* const mine = reinterpret_cast<Vector16*>(memory) + M::thread() % kWarp;
  with_input(q, [=](const auto* from) {
#pragma unroll 8
    for (int k = 0; k < Steps; ++k) {
      query_words<M, F>(from, row, row_below, k, mine[k * kWarp].words);
    }
  });
}

/// The same, to registers. They go through shared memory: code that depends on an element's type is
/// not repeated for each register then.
template <class M, class F, int Steps>
TERRACE_DEVICE void read_queries(ConstArray q, std::int64_t row, std::int64_t row_below,
                                 std::byte* memory, std::uint32_t (&words)[Steps][4]) {
  store_queries<M, F, Steps>(q, row, row_below, memory);
  const Vector16* const mine = reinterpret_cast<const Vector16*>(memory) + M::thread() % kWarp;
#pragma unroll
  for (int k = 0; k < Steps; ++k) {
    const Vector16 v = mine[k * kWarp];
#pragma unroll
    for (int i = 0; i < 4; ++i) words[k][i] = v.words[i];
  }
}

}  // namespace terrace::kernels::cuda
