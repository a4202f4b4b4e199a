#pragma once

#include <cmath>

#include "kernels/cuda/device/decode_task.hpp"

namespace terrace::kernels::cuda {

/// A head's result from what the chunks of its sequence have left: a block for each [parts][head].
/// Its warps have every fourth chunk each, so that one after the other is not waited for.
template <class M>
struct MergeKernel {
  static constexpr int kWarps = 4;
  static constexpr int kThreads = kWarp * kWarps;
  static constexpr int kMostDims = 512;
  static constexpr int kShared = kWarps * (kMostDims + 2) * static_cast<int>(sizeof(float));

  DecodeTask task;
  const Parts* parts = nullptr;
  std::int32_t value_dim = 0;  // a multiple of 4, kMostDims at most

  TERRACE_DEVICE void operator()() const {
    const Parts mine = parts[M::block() / task.heads];
    const std::int64_t head = M::block() % task.heads;
    const float largest = largest_of(mine, head);
    add_up(mine, head, largest == never() ? 0.0F : largest);
    M::sync();
    float weight = 0;
#pragma unroll
    for (int w = 0; w < kWarps; ++w) weight += shared_weight()[w];
    const float factor = task.value_scale / weight;
    const std::int64_t row = mine.sequence * std::int64_t{task.heads} + head;
    for (int d = M::thread(); d < value_dim; d += kThreads) {
      float sum = 0;
#pragma unroll
      for (int w = 0; w < kWarps; ++w) sum += shared_sums(w)[d];
      store(task.out, row * value_dim + d, sum * factor);
    }
  }

 private:
  struct alignas(16) Four {
    float x[4];
  };

  static TERRACE_DEVICE int warp() { return M::thread() / kWarp; }
  static TERRACE_DEVICE int lane() { return M::thread() % kWarp; }
  static TERRACE_DEVICE float* shared_sums(int of_warp) {
    return reinterpret_cast<float*>(M::shared()) + of_warp * kMostDims;
  }
  /// One number of each warp.
  static TERRACE_DEVICE float* shared_largest() { return shared_sums(kWarps); }
  static TERRACE_DEVICE float* shared_weight() { return shared_largest() + kWarps; }

  [[nodiscard]] TERRACE_DEVICE std::int64_t place(int chunk, std::int64_t head) const {
    return chunk * std::int64_t{task.heads} + head;
  }

  [[nodiscard]] TERRACE_DEVICE float largest_of(const Parts& mine, std::int64_t head) const {
    float largest = never();
    for (int c = mine.first + M::thread(); c < mine.last; c += kThreads) {
      largest = fmaxf(largest, task.partials.largest[place(c, head)]);
    }
#pragma unroll
    for (int mask = 1; mask < kWarp; mask *= 2) {
      largest = fmaxf(largest, M::shuffle_xor(largest, mask));
    }
    if (lane() == 0) shared_largest()[warp()] = largest;
    M::sync();
#pragma unroll
    for (int w = 0; w < kWarps; ++w) largest = fmaxf(largest, shared_largest()[w]);
    return largest;
  }

  /// This warp's chunks, to shared memory.
  TERRACE_DEVICE void add_up(const Parts& mine, std::int64_t head, float base) const {
    const Partials& from = task.partials;
    for (int d = 4 * lane(); d < value_dim; d += 4 * kWarp) {
      Four sum{};
      float weight = 0;
#pragma unroll 4
      for (int c = mine.first + warp(); c < mine.last; c += kWarps) {
        const std::int64_t at = place(c, head);
        const float factor = M::exp2(from.largest[at] - base);
        const Four more = *reinterpret_cast<const Four*>(from.sums + at * value_dim + d);
#pragma unroll
        for (int i = 0; i < 4; ++i) sum.x[i] += factor * more.x[i];
        weight += factor * from.weight[at];
      }
      *reinterpret_cast<Four*>(shared_sums(warp()) + d) = sum;
      if (d == 0) shared_weight()[warp()] = weight;
    }
  }
};

}  // namespace terrace::kernels::cuda
