#pragma once

#include <cstdint>
#include <stdexcept>

#include "sim/base/units.hpp"
#include "sim/model/model.hpp"

namespace terrace {

/// The scenario is well-formed, but no machine like this can run it: what() says what lacks.
class Infeasible : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What an engine sets aside on each GPU before it counts KV blocks, besides weights. vLLM runs a
/// batch of its full size and a sampling of all sequences, and looks at the peak of what they take
/// (vllm/v1/worker/gpu_worker.py, determine_available_memory). The peak is the larger of
///   the activations around the widest product of a layer, for `batch` tokens, and
///   the logits of `sequences`, three times in 32 bits: as they are, as probabilities, sorted,
/// and beside it are libraries and graphs, 1 GiB, and with several GPUs NCCL's buffers, 0.37 GiB.
/// On H100 with utilisation 0.9 the blocks that this leaves differ by at most 1.1 % from what vLLM
/// logged for four models on one to four GPUs (see capacity_test.cpp).
Bytes engine_reserve(const ModelSpec& model, const Parallel& parallel, Tokens batch,
                     std::int64_t sequences);

/// How the memory of one GPU is divided.
struct HbmBudget {
  Bytes memory;            // of the GPU
  double utilization = 1;  // share of it that the engine may use
  Bytes weights;
  Bytes reserve;  // activations, CUDA graphs, libraries
  Bytes block;    // one KV block's part on this GPU

  [[nodiscard]] Bytes for_kv() const {
    const double usable = static_cast<double>(memory.count()) * utilization;
    return Bytes{static_cast<std::int64_t>(usable)} - weights - reserve;
  }
};

/// KV blocks that fit: per-GPU memory over per-GPU block bytes, whatever the degree of sharding.
/// None if not even two do (vLLM never uses the first).
std::int64_t fitting_blocks(const HbmBudget& budget);

/// The same. Throws Infeasible if none do.
std::int64_t hbm_blocks(const HbmBudget& budget);

}  // namespace terrace
