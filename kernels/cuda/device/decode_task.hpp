#pragma once

#include "kernels/cuda/device/fragments.hpp"
#include "kernels/cuda/device/paged_rows.hpp"
#include "kernels/cuda/device/work.hpp"

namespace terrace::kernels::cuda {

/// Sums of values by weight, and by what they have to be divided, of [chunk][head].
struct Partials {
  float* sums = nullptr;     // [chunk][head][value_dim]
  float* largest = nullptr;  // [chunk][head]; the exponent of 2 that was divided by
  float* weight = nullptr;   // [chunk][head]
};

/// One decode operation, as its kernels take it.
struct DecodeTask {
  ConstArray q;
  Array out;
  std::int32_t heads = 0;
  std::int32_t group = 0;  // heads that share a kv head
  PagedRows kv;
  const std::int32_t* blocks = nullptr;
  std::int64_t width = 0;  // of the block table
  const Chunk* chunks = nullptr;
  float score_scale = 1;  // all that scores are multiplied with, log2(e) included
  float value_scale = 1;
  Partials partials;
};

/// Where the sums of a head go, and what they have to be multiplied with.
struct Target {
  Array to;
  std::int64_t begin = 0;
  float factor = 1;
};

TERRACE_DEVICE Target target_of(const DecodeTask& task, const Chunk& chunk, int chunk_index,
                                std::int64_t head, std::int64_t value_dim, float weight) {
  if (chunk.alone == 0) {
    return {{Element::fp32, task.partials.sums},
            (chunk_index * std::int64_t{task.heads} + head) * value_dim,
            1.0F};
  }
  return {task.out, (chunk.sequence * std::int64_t{task.heads} + head) * value_dim,
          chunk.first < chunk.last ? task.value_scale / weight : 0.0F};
}

/// Tells the merging kernel what the sums of a head were divided by.
TERRACE_DEVICE void leave_partial(const DecodeTask& task, const Chunk& chunk, int chunk_index,
                                  std::int64_t head, float largest, float weight) {
  if (chunk.alone != 0) return;
  const std::int64_t at = chunk_index * std::int64_t{task.heads} + head;
  task.partials.largest[at] = largest;
  task.partials.weight[at] = weight;
}

}  // namespace terrace::kernels::cuda
