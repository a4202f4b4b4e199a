#pragma once

#include <cstdint>
#include <stdexcept>

#include "sim/base/units.hpp"

namespace terrace {

/// The scenario is well-formed, but no machine like this can run it: what() says what lacks.
class Infeasible : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

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
/// Throws Infeasible if not even two do (vLLM never uses the first).
std::int64_t hbm_blocks(const HbmBudget& budget);

}  // namespace terrace
