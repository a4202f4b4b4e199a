#pragma once

#include <cmath>

#include "kernels/cuda/device/decode_task.hpp"
#include "kernels/cuda/device/softmax.hpp"

namespace terrace::kernels::cuda {

/// Decode attention of up to 16 heads that share a kv head, to one chunk. Each warp goes through
/// tiles of 16 keys on its own, with a ring of copies in flight and no barrier but its own; in the
/// end the block merges its warps. 16 rows cost what one costs: reading memory is what takes time.
template <class M, class T, int Dim>
struct DecodeKernel {
  using F = Fragments<M, T, Dim>;
  static constexpr int kWarps =
      Dim > 128 ? 1 : 2;  // several blocks fit, so one begins as others go
  static constexpr int kThreads = kWarp * kWarps;
  static constexpr int kKeys = 16;
  static constexpr int kStages = 3;
  static constexpr int kTileBytes = kKeys * F::Layout::kRowBytes;
  static constexpr int kRing = kWarps * kStages * 2 * kTileBytes;
  static constexpr int kSumsRow = Dim + 8;  // rows begin in different banks
  static constexpr int kMerge = kWarps * 16 * (kSumsRow + 2) * static_cast<int>(sizeof(float));
  static constexpr int kShared = kRing > kMerge ? kRing : kMerge;

  DecodeTask task;

  TERRACE_DEVICE void operator()() const {
    const int row_tiles = (task.group + 15) / 16;
    const int units = task.heads / task.group * row_tiles;
    const int unit = M::block() % units;
    const int chunk_index = M::block() / units;
    const Chunk chunk = task.chunks[chunk_index];
    const int first_row = unit % row_tiles * 16;
    const Tokens tokens{task.blocks + chunk.sequence * task.width, unit / row_tiles, chunk.first,
                        chunk.last};
    const int first_head = unit / row_tiles * task.group + first_row;
    const int rows = task.group - first_row < 16 ? task.group - first_row : 16;

    float sums[1][Dim / 8][4] = {};
    SoftmaxRows gathered;
    attend(tokens, chunk.sequence * std::int64_t{task.heads} + first_head, rows, sums, gathered);
    leave_in_shared(sums[0], gathered);
    M::sync();
    merge_warps(chunk, chunk_index, first_head, rows);
  }

 private:
  static TERRACE_DEVICE int warp() { return M::thread() / kWarp; }
  static TERRACE_DEVICE int lane() { return M::thread() % kWarp; }

  /// Where this warp's tile of keys is; values follow.
  static TERRACE_DEVICE std::byte* stage(int tile) {
    return M::shared() + (warp() * kStages + tile % kStages) * 2 * kTileBytes;
  }

  TERRACE_DEVICE void copy(const Tokens& tokens, int tile) const {
    std::byte* keys = stage(tile);
    const int begin = tokens.first + (tile * kWarps + warp()) * kKeys;
    if (begin < tokens.last) {
      copy_rows<M, typename F::Layout, kKeys, kWarp>(task.kv, tokens, begin, lane(), keys,
                                                     keys + kTileBytes);
    }
    M::commit_copies();  // also when there was nothing, so that commits count tiles
  }

  /// This warp's share of the chunk.
  TERRACE_DEVICE void attend(const Tokens& tokens, std::int64_t first_query, int rows,
                             float (&sums)[1][Dim / 8][4], SoftmaxRows& gathered) const {
    for (int tile = 0; tile < kStages - 1; ++tile) copy(tokens, tile);
    std::uint32_t q[Dim / 16][4];
    const int g = lane() / 4;
    const std::int64_t row = g < rows ? (first_query + g) * Dim : -1;
    const std::int64_t below = g + 8 < rows ? (first_query + g + 8) * Dim : -1;
    // Through the ring's last stage, which is the last to be copied to.
    read_queries<M, F>(task.q, row, below, stage(kStages - 1), q);

    for (int tile = 0; tokens.first + (tile * kWarps + warp()) * kKeys < tokens.last; ++tile) {
      M::template wait_copies<kStages - 2>();
      M::sync_warp();
      copy(tokens, tile + kStages - 1);
      const std::byte* keys = stage(tile);
      float s[2][4] = {};
      scores(q, keys, s);
      mask(s, tokens.last - tokens.first - (tile * kWarps + warp()) * kKeys);
      float top[2];
      float factor[2];
      std::uint32_t weights[1][2][2];
      largest_scores<M>(s, top);
      weigh<M, typename F::Operand>(s, top, gathered, factor, weights[0]);
      correct(sums[0], factor);
      add_values<M, F, 1, 1, Dim / 32>(weights, keys + kTileBytes, 0, sums);
    }
    M::template wait_copies<0>();
    M::sync();  // the ring becomes the place where warps meet
  }

  static TERRACE_DEVICE void scores(const std::uint32_t (&q)[Dim / 16][4], const std::byte* keys,
                                    float (&s)[2][4]) {
#pragma unroll
    for (int j = 0; j < Dim / 32; ++j) {
#pragma unroll
      for (int n = 0; n < 2; ++n) {
        std::uint32_t b[2][2];
        F::keys(keys, 8 * n, j, b);
        M::multiply_add(typename F::Operand{}, s[n], q[2 * j], b[0]);
        M::multiply_add(typename F::Operand{}, s[n], q[2 * j + 1], b[1]);
      }
    }
  }

  /// Scales the scores of a tile; those of keys from the `seen`-th on are of no key.
  TERRACE_DEVICE void mask(float (&s)[2][4], int seen) const {
#pragma unroll
    for (int n = 0; n < 2; ++n) {
#pragma unroll
      for (int c = 0; c < 4; ++c) {
        const int key = 8 * n + 2 * (lane() % 4) + c % 2;
        s[n][c] = key < seen ? M::product(s[n][c], task.score_scale) : never();
      }
    }
  }

  // Shared memory at the end: sums [warp][16][kSumsRow], largest [warp][16], weight [warp][16].
  static TERRACE_DEVICE float* shared_sums() { return reinterpret_cast<float*>(M::shared()); }
  static TERRACE_DEVICE float* shared_largest() { return shared_sums() + kWarps * 16 * kSumsRow; }
  static TERRACE_DEVICE float* shared_weight() { return shared_largest() + kWarps * 16; }

  static TERRACE_DEVICE void leave_in_shared(const float (&sums)[Dim / 8][4],
                                             const SoftmaxRows& gathered) {
    const int g = lane() / 4;
    const int t = lane() % 4;
#pragma unroll
    for (int n = 0; n < Dim / 8; ++n) {
#pragma unroll
      for (int c = 0; c < 4; ++c) {
        const int row = warp() * 16 + g + 8 * (c / 2);
        shared_sums()[row * kSumsRow + F::value_dim(n / 4, n % 4, t, c % 2)] = sums[n][c];
      }
    }
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const float weight = sum_of_row<M>(gathered.weight[r]);
      if (t == 0) {
        shared_largest()[warp() * 16 + g + 8 * r] = gathered.largest[r];
        shared_weight()[warp() * 16 + g + 8 * r] = weight;
      }
    }
  }

  TERRACE_DEVICE void merge_warps(const Chunk& chunk, int chunk_index, int first_head,
                                  int rows) const {
    for (int i = M::thread(); i < rows * Dim; i += kThreads) {
      const int row = i / Dim;
      const int d = i % Dim;
      float largest = never();
#pragma unroll
      for (int w = 0; w < kWarps; ++w) largest = fmaxf(largest, shared_largest()[w * 16 + row]);
      const float base = largest == never() ? 0.0F : largest;
      float sum = 0;
      float weight = 0;
#pragma unroll
      for (int w = 0; w < kWarps; ++w) {
        const float factor = M::exp2(shared_largest()[w * 16 + row] - base);
        sum += factor * shared_sums()[(w * 16 + row) * kSumsRow + d];
        weight += factor * shared_weight()[w * 16 + row];
      }
      const Target target = target_of(task, chunk, chunk_index, first_head + row, Dim, weight);
      store(target.to, target.begin + d, sum * target.factor);
      if (d == 0) leave_partial(task, chunk, chunk_index, first_head + row, largest, weight);
    }
  }
};

}  // namespace terrace::kernels::cuda
