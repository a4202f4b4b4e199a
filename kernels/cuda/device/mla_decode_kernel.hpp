#pragma once

#include "kernels/cuda/device/decode_task.hpp"
#include "kernels/cuda/device/softmax.hpp"
#include "kernels/paged.hpp"

namespace terrace::kernels::cuda {

/// MLA decode of RowTiles * 16 heads, which share one key, to one chunk. Four warps have 16 heads:
/// each multiplies their queries with 8 of a tile's 32 keys; weights then go through shared memory,
/// and each sums up 128 of the 512 numbers of values, which are the keys' own beginnings.
template <class M, class T, int RowTiles>
struct MlaDecodeKernel {
  static constexpr int kWidth = static_cast<int>(PagedLatent::kWidth);
  static constexpr int kLatent = static_cast<int>(PagedLatent::kLatent);
  using F = Fragments<M, T, kWidth>;
  using Operand = typename F::Operand;
  static constexpr int kQuarters = 4;
  static constexpr int kThreads = RowTiles * kQuarters * kWarp;
  static constexpr int kRows = RowTiles * 16;
  static constexpr int kKeys = 32;
  static constexpr int kTileBytes = kKeys * F::Layout::kRowBytes;
  static constexpr int kWeightBytes = RowTiles * 2 * kWarp * 16;
  static constexpr int kRowFloats = RowTiles * kQuarters * 16;
  static constexpr int kShared = 2 * kTileBytes + kWeightBytes + kRowFloats * 4;
  static constexpr int kSlice = kLatent / kQuarters;  // of the values, a warp

  DecodeTask task;

  TERRACE_DEVICE void operator()() const {
    const int units = (task.heads + kRows - 1) / kRows;
    const int chunk_index = M::block() / units;
    const Chunk chunk = task.chunks[chunk_index];
    const int first_head = M::block() % units * kRows + row_tile() * 16;
    const Tokens tokens{task.blocks + chunk.sequence * task.width, 0, chunk.first, chunk.last};

    std::uint32_t q[kWidth / 16][4];
    const std::int64_t sequence = chunk.sequence * std::int64_t{task.heads};
    const int g = lane() / 4;
    const std::int64_t row = first_head + g < task.heads ? sequence + first_head + g : -1;
    const std::int64_t below = first_head + g + 8 < task.heads ? sequence + first_head + g + 8 : -1;
    read_queries<M, F>(task.q, row * kWidth, below * kWidth,
                       M::shared() + row_tile() * (kWidth / 16 * kWarp * 16), q);
    M::sync();  // its place becomes that of tiles
    copy(tokens, 0);

    float sums[1][kSlice / 8][4] = {};
    SoftmaxRows gathered;
    for (int tile = 0; tokens.first + tile * kKeys < tokens.last; ++tile) {
      M::template wait_copies<0>();
      M::sync();  // the tile has arrived, and all are done with the one before
      copy(tokens, tile + 1);
      attend(q, tile_memory(tile), tokens.last - tokens.first - tile * kKeys, sums, gathered);
    }
    finish(chunk, chunk_index, first_head, sums[0], gathered);
  }

 private:
  static TERRACE_DEVICE int lane() { return M::thread() % kWarp; }
  static TERRACE_DEVICE int row_tile() { return M::thread() / kWarp / kQuarters; }
  static TERRACE_DEVICE int quarter() { return M::thread() / kWarp % kQuarters; }
  static TERRACE_DEVICE std::byte* tile_memory(int tile) {
    return M::shared() + tile % 2 * kTileBytes;
  }
  /// The words of the A fragment for 16 keys, of this thread.
  static TERRACE_DEVICE std::uint32_t* shared_weights(int step) {
    return reinterpret_cast<std::uint32_t*>(M::shared() + 2 * kTileBytes) +
           ((row_tile() * 2 + step) * kWarp + lane()) * 4;
  }
  /// A number of each row: [quarter][16] of this row tile.
  static TERRACE_DEVICE float* shared_rows(int of_quarter) {
    return reinterpret_cast<float*>(M::shared() + 2 * kTileBytes + kWeightBytes) +
           (row_tile() * kQuarters + of_quarter) * 16;
  }

  TERRACE_DEVICE void copy(const Tokens& tokens, int tile) const {
    const int begin = tokens.first + tile * kKeys;
    if (begin < tokens.last) {
      copy_rows<M, typename F::Layout, kKeys, kThreads>(task.kv, tokens, begin, M::thread(),
                                                        tile_memory(tile), nullptr);
    }
    M::commit_copies();
  }

  TERRACE_DEVICE void attend(const std::uint32_t (&q)[kWidth / 16][4], const std::byte* tile,
                             int seen, float (&sums)[1][kSlice / 8][4],
                             SoftmaxRows& gathered) const {
    float s[1][4] = {};
    float odd[4] = {};  // two sums: each product waits for the one before that it adds to
#pragma unroll
    for (int j = 0; j < kWidth / 32; ++j) {
      std::uint32_t b[2][2];
      F::keys(tile, 8 * quarter(), j, b);
      M::multiply_add(Operand{}, s[0], q[2 * j], b[0]);
      M::multiply_add(Operand{}, odd, q[2 * j + 1], b[1]);
    }
#pragma unroll
    for (int c = 0; c < 4; ++c) {
      const int key = 8 * quarter() + 2 * (lane() % 4) + c % 2;
      s[0][c] = key < seen ? M::product(s[0][c] + odd[c], task.score_scale) : never();
    }
    float top[2];
    largest_scores<M>(s, top);
    share(top);
#pragma unroll
    for (int r = 0; r < 2; ++r) {
#pragma unroll
      for (int i = 0; i < kQuarters; ++i) {
        top[r] = fmaxf(top[r], shared_rows(i)[lane() / 4 + 8 * r]);
      }
    }
    float factor[2];
    std::uint32_t mine[1][2];
    weigh<M, Operand>(s, top, gathered, factor, mine);
#pragma unroll
    for (int r = 0; r < 2; ++r) shared_weights(quarter() / 2)[quarter() % 2 * 2 + r] = mine[0][r];
    M::sync();
    correct(sums[0], factor);
    std::uint32_t weights[1][4][2];
#pragma unroll
    for (int n = 0; n < 4; ++n) {
#pragma unroll
      for (int r = 0; r < 2; ++r) weights[0][n][r] = shared_weights(n / 2)[n % 2 * 2 + r];
    }
    add_values<M, F, 1, 2, kSlice / 32>(weights, tile, quarter() * (kSlice / 32), sums);
  }

  /// Leaves this quarter's number of each row where the others see it.
  static TERRACE_DEVICE void share(const float (&x)[2]) {
    if (lane() % 4 == 0) {
#pragma unroll
      for (int r = 0; r < 2; ++r) shared_rows(quarter())[lane() / 4 + 8 * r] = x[r];
    }
    M::sync();
  }

  TERRACE_DEVICE void finish(const Chunk& chunk, int chunk_index, int first_head,
                             const float (&sums)[kSlice / 8][4], SoftmaxRows& gathered) const {
    M::template wait_copies<0>();
#pragma unroll
    for (int r = 0; r < 2; ++r) gathered.weight[r] = sum_of_row<M>(gathered.weight[r]);
    M::sync();
    share(gathered.weight);
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const int row = lane() / 4 + 8 * r;
      const int head = first_head + row;
      if (head >= task.heads) continue;
      float weight = 0;
#pragma unroll
      for (int i = 0; i < kQuarters; ++i) weight += shared_rows(i)[row];
      const Target target = target_of(task, chunk, chunk_index, head, kLatent, weight);
      store_row<M, F>(sums, r, target.factor, target.to, target.begin + quarter() * kSlice);
      if (lane() % 4 == 0 && quarter() == 0) {
        leave_partial(task, chunk, chunk_index, head, gathered.largest[r], weight);
      }
    }
  }
};

}  // namespace terrace::kernels::cuda
