#pragma once

#include "kernels/cuda/device/fragments.hpp"
#include "kernels/cuda/device/paged_rows.hpp"
#include "kernels/cuda/device/softmax.hpp"
#include "kernels/cuda/device/work.hpp"

namespace terrace::kernels::cuda {

/// One prefill operation, as its kernel takes it.
struct PrefillTask {
  ConstArray q;
  Array out;
  std::int32_t heads = 0;
  std::int32_t group = 0;
  PagedRows kv;
  const std::int32_t* blocks = nullptr;
  std::int64_t width = 0;
  const RowRange* ranges = nullptr;
  std::int32_t window = 0;  // 0: none
  float score_scale = 1;    // log2(e) included
  float value_scale = 1;
};

/// Causal attention of kRows rows of one kv head (Dao, "FlashAttention-2", 2023): warps share
/// tiles of keys and values, which arrive while the tile before is computed with; each has rows of
/// its own. 32 rows a warp, where registers allow it, use what is read from shared memory twice.
template <class M, class T, int Dim>
struct PrefillKernel {
  using F = Fragments<M, T, Dim>;
  using Operand = typename F::Operand;
  static constexpr int kWarps = 4;
  static constexpr int kThreads = kWarp * kWarps;
  static constexpr int kRowTiles = Dim > 128 ? 1 : 2;  // of 16 rows, a warp
  static constexpr int kRows = kWarps * kRowTiles * 16;
  static constexpr int kKeys = Dim > 64 ? 32 : 64;
  static constexpr int kTileBytes = kKeys * F::Layout::kRowBytes;
  static constexpr int kQueryBytes = kRows * Dim * 2;
  static constexpr int kShared = kQueryBytes + 2 * 2 * kTileBytes;

  PrefillTask task;

  TERRACE_DEVICE void operator()() const {
    const int kv_heads = task.heads / task.group;
    const RowRange range = task.ranges[M::block() / kv_heads];
    const int kv_head = M::block() % kv_heads;
    const int end = range.rows < range.first + kRows ? range.rows : range.first + kRows;
    const Tokens tokens{task.blocks + range.sequence * task.width, kv_head,
                        first_seen(range.position + range.first / task.group),
                        range.position + (end - 1) / task.group + 1};
    keep_queries(range, kv_head);

    float sums[kRowTiles][Dim / 8][4] = {};
    SoftmaxRows gathered[kRowTiles];
    Seen seen[kRowTiles][2];
#pragma unroll
    for (int m = 0; m < kRowTiles; ++m) {
#pragma unroll
      for (int r = 0; r < 2; ++r) seen[m][r] = seen_by(range, row_of(range, m, r));
    }
    Seen by_some;
    Seen by_all;
    seen_by_warp(range, by_some, by_all);
    copy(tokens, 0);
    for (int tile = 0; tokens.first + tile * kKeys < tokens.last; ++tile) {
      M::template wait_copies<0>();
      M::sync();  // the tile has arrived, and all are done with the one before
      copy(tokens, tile + 1);
      const int begin = tokens.first + tile * kKeys;
      if (begin >= by_some.last || begin + kKeys <= by_some.first) continue;
      const bool hides = begin < by_all.first || begin + kKeys > by_all.last;
      attend(begin, tile, hides, seen, sums, gathered);
    }
#pragma unroll
    for (int m = 0; m < kRowTiles; ++m) write(range, kv_head, m, sums[m], gathered[m]);
  }

 private:
  struct Seen {
    int first = 0;
    int last = 0;
  };

  static TERRACE_DEVICE int warp() { return M::thread() / kWarp; }
  static TERRACE_DEVICE int lane() { return M::thread() % kWarp; }
  static TERRACE_DEVICE std::byte* keys_of(int tile) {
    return M::shared() + kQueryBytes + tile % 2 * 2 * kTileBytes;
  }
  /// The A fragments of all steps, for the warp's m-th 16 rows.
  static TERRACE_DEVICE std::byte* queries(int m) {
    return M::shared() + (warp() * kRowTiles + m) * (Dim / 16 * kWarp * 16);
  }
  /// The words of a step's A fragment, of this thread.
  static TERRACE_DEVICE const Vector16* query(int m, int k) {
    return reinterpret_cast<const Vector16*>(queries(m)) + k * kWarp + lane();
  }

  /// The row of the chunk that is row g + 8r of a warp's m-th fragment.
  static TERRACE_DEVICE int row_of(const RowRange& range, int m, int r) {
    return range.first + (warp() * kRowTiles + m) * 16 + lane() / 4 + 8 * r;
  }
  TERRACE_DEVICE int first_seen(int position) const {
    return task.window > 0 && position + 1 > task.window ? position + 1 - task.window : 0;
  }
  TERRACE_DEVICE Seen seen_by(const RowRange& range, int row) const {
    const int position = range.position + row / task.group;
    return row < range.rows ? Seen{first_seen(position), position + 1} : Seen{};
  }
  /// What some row of this warp sees, and what all of its rows see.
  TERRACE_DEVICE void seen_by_warp(const RowRange& range, Seen& some, Seen& all) const {
    constexpr int kOfWarp = kRowTiles * 16;
    const int row = range.first + warp() * kOfWarp;
    const int left = range.rows - row;
    if (left <= 0) return;
    const Seen first = seen_by(range, row);
    const Seen last = seen_by(range, row + (left < kOfWarp ? left : kOfWarp) - 1);
    some = {first.first, last.last};
    if (left >= kOfWarp) all = {last.first, first.last};
  }
  /// Where a row's numbers begin in q and out; negative for one that the chunk does not have.
  TERRACE_DEVICE std::int64_t place(const RowRange& range, int kv_head, int row) const {
    const std::int64_t token = range.token + row / task.group;
    const int head = kv_head * task.group + row % task.group;
    return row < range.rows ? (token * task.heads + head) * Dim : -1;
  }

  /// Only the warp itself reads them again.
  TERRACE_DEVICE void keep_queries(const RowRange& range, int kv_head) const {
#pragma unroll 1
    for (int m = 0; m < kRowTiles; ++m) {
      const std::int64_t row = place(range, kv_head, row_of(range, m, 0));
      const std::int64_t below = place(range, kv_head, row_of(range, m, 1));
      store_queries<M, F, Dim / 16>(task.q, row, below, queries(m));
    }
  }

  TERRACE_DEVICE void copy(const Tokens& tokens, int tile) const {
    const int begin = tokens.first + tile * kKeys;
    if (begin < tokens.last) {
      copy_rows<M, typename F::Layout, kKeys, kThreads>(task.kv, tokens, begin, M::thread(),
                                                        keys_of(tile), keys_of(tile) + kTileBytes);
    }
    M::commit_copies();
  }

  TERRACE_DEVICE void attend(int begin, int tile, bool hides, const Seen (&seen)[kRowTiles][2],
                             float (&sums)[kRowTiles][Dim / 8][4],
                             SoftmaxRows (&gathered)[kRowTiles]) const {
    float s[kRowTiles][kKeys / 8][4] = {};
    scores(keys_of(tile), s);
    std::uint32_t weights[kRowTiles][kKeys / 8][2];
#pragma unroll
    for (int m = 0; m < kRowTiles; ++m) {
      scale(s[m]);
      if (hides) hide(s[m], begin, seen[m]);
      float top[2];
      float factor[2];
      largest_scores<M>(s[m], top);
      weigh<M, Operand>(s[m], top, gathered[m], factor, weights[m]);
      correct(sums[m], factor);
    }
    add_values<M, F, kRowTiles, kKeys / 16, Dim / 32>(weights, keys_of(tile) + kTileBytes, 0, sums);
  }

  static TERRACE_DEVICE void scores(const std::byte* keys, float (&s)[kRowTiles][kKeys / 8][4]) {
#pragma unroll
    for (int j = 0; j < Dim / 32; ++j) {
      Vector16 q[kRowTiles][2];
#pragma unroll
      for (int m = 0; m < kRowTiles; ++m) {
        q[m][0] = *query(m, 2 * j);
        q[m][1] = *query(m, 2 * j + 1);
      }
#pragma unroll
      for (int n = 0; n < kKeys / 8; ++n) {
        std::uint32_t b[2][2];
        F::keys(keys, 8 * n, j, b);
#pragma unroll
        for (int m = 0; m < kRowTiles; ++m) {
          M::multiply_add(Operand{}, s[m][n], q[m][0].words, b[0]);
          M::multiply_add(Operand{}, s[m][n], q[m][1].words, b[1]);
        }
      }
    }
  }

  TERRACE_DEVICE void scale(float (&s)[kKeys / 8][4]) const {
#pragma unroll
    for (int n = 0; n < kKeys / 8; ++n) {
#pragma unroll
      for (int c = 0; c < 4; ++c) s[n][c] = M::product(s[n][c], task.score_scale);
    }
  }

  /// Of the tile whose keys begin at `begin`, what a row does not see.
  static TERRACE_DEVICE void hide(float (&s)[kKeys / 8][4], int begin, const Seen (&seen)[2]) {
#pragma unroll
    for (int n = 0; n < kKeys / 8; ++n) {
#pragma unroll
      for (int c = 0; c < 4; ++c) {
        const int key = begin + 8 * n + 2 * (lane() % 4) + c % 2;
        if (key < seen[c / 2].first || key >= seen[c / 2].last) s[n][c] = never();
      }
    }
  }

  TERRACE_DEVICE void write(const RowRange& range, int kv_head, int m,
                            const float (&sums)[Dim / 8][4], const SoftmaxRows& gathered) const {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const float factor = task.value_scale / sum_of_row<M>(gathered.weight[r]);
      const std::int64_t begin = place(range, kv_head, row_of(range, m, r));
      if (begin >= 0) store_row<M, F>(sums, r, factor, task.out, begin);
    }
  }
};

}  // namespace terrace::kernels::cuda
