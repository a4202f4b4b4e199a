#pragma once

#include <cstdint>
#include <memory>

#include "calibrate/labs/buffer.hpp"
#include "calibrate/labs/kv_pool.hpp"
#include "calibrate/labs/rows.hpp"
#include "calibrate/labs/step_plan.hpp"
#include "calibrate/labs/timed_kernels.hpp"

namespace terrace::labs {

/// The attention of all layers: what one kind of it makes of queries and new KV.
class Attention {
 public:
  virtual ~Attention() = default;

  /// Takes rows of shape.in_rows() numbers, which it may change, rotates what has to be, puts the
  /// new KV into the pool, and leaves [row][heads * head_dim], rounded, in `attended`, where the
  /// kernels see it.
  virtual void run(std::int64_t layer, const StepPlan& plan, KvPool& pool, float* projected,
                   Buffer& attended) = 0;
};

std::unique_ptr<Attention> make_attention(const Shape& shape, const Weights& weights,
                                          TimedKernels& kernels, Threads& threads);

// One per file.
std::unique_ptr<Attention> grouped_attention(const Shape& shape, TimedKernels& kernels,
                                             Threads& threads);
std::unique_ptr<Attention> latent_attention(const Shape& shape, const Weights& weights,
                                            TimedKernels& kernels, Threads& threads);

}  // namespace terrace::labs
