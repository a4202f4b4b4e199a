#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "calibrate/labs/shape.hpp"
#include "calibrate/labs/step_plan.hpp"
#include "calibrate/labs/timed_kernels.hpp"
#include "calibrate/labs/weights.hpp"
#include "kernels/kernel_set.hpp"

/// A small decoder-only transformer that really computes, and an engine that really serves it: what
/// the simulator is compared with on a machine at hand. Weights are random but fixed by a seed.
namespace terrace::labs {

/// Products and attention are the kernels', which decide where; the rest is done on the host, by
/// `threads` threads. All new tokens of a step go through each projection together, and the last
/// one of each sequence through the LM head, as in serving engines.
class Transformer {
 public:
  /// The pool holds `blocks` blocks, in the memory of `kernels`, which has to outlive this.
  Transformer(const Shape& shape, std::int64_t blocks, kernels::KernelSet& kernels,
              int threads = 1);
  ~Transformer();

  [[nodiscard]] const Shape& shape() const;

  /// Computes all sequences of a step together, keeps their new KV, and returns the logits after
  /// the last new token of each: [sequence][vocabulary].
  std::vector<float> step(std::span<const SequenceStep> sequences);

  /// The same for a whole sequence without any cache, however long: the oracle.
  std::vector<float> logits_without_cache(std::span<const std::int32_t> tokens);

  /// Where the time of the last step went, or of the last sequence without cache.
  [[nodiscard]] const StepTimes& last_times() const;

  /// A block's KV as one run of shape().block_bytes() bytes, and back into a block.
  void save_block(std::int32_t block, std::span<std::byte> to);
  void load_block(std::int32_t block, std::span<const std::byte> from);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The token of the largest logit of each row of [row][vocabulary]; the first of equals.
std::vector<std::int32_t> greedy(std::span<const float> logits, std::int64_t vocabulary);

}  // namespace terrace::labs
