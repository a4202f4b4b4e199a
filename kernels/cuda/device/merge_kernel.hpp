#pragma once

#include <cmath>

#include "kernels/cuda/device/decode_task.hpp"

namespace terrace::kernels::cuda {

/// A head's result from what the chunks of its sequence have left: a block for each [parts][head].
template <class M>
struct MergeKernel {
  static constexpr int kThreads = 128;
  static constexpr int kShared = 0;

  DecodeTask task;
  const Parts* parts = nullptr;
  std::int32_t value_dim = 0;

  TERRACE_DEVICE void operator()() const {
    const Parts mine = parts[M::block() / task.heads];
    const std::int64_t head = M::block() % task.heads;
    const Partials& from = task.partials;
    float largest = never();
    for (int c = mine.first; c < mine.last; ++c) {
      largest = fmaxf(largest, from.largest[c * std::int64_t{task.heads} + head]);
    }
    const float base = largest == never() ? 0.0F : largest;
    for (int d = M::thread(); d < value_dim; d += kThreads) {
      float sum = 0;
      float weight = 0;
      for (int c = mine.first; c < mine.last; ++c) {
        const std::int64_t at = c * std::int64_t{task.heads} + head;
        const float factor = M::exp2(from.largest[at] - base);
        sum += factor * from.sums[at * value_dim + d];
        weight += factor * from.weight[at];
      }
      const std::int64_t row = mine.sequence * std::int64_t{task.heads} + head;
      store(task.out, row * value_dim + d, sum * (task.value_scale / weight));
    }
  }
};

}  // namespace terrace::kernels::cuda
