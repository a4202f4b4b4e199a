#pragma once

#include "sim/base/units.hpp"
#include "sim/kv/capacity.hpp"
#include "sim/model/model.hpp"
#include "sim/serving/engine_spec.hpp"

namespace terrace {

/// How an engine divides the memory of each of its GPUs: beside weights and the reserve, what
/// max_num_seqs sequences take whatever their length is set aside; the rest is for blocks, in which
/// layers with a window have a part for every token.
[[nodiscard]] HbmBudget hbm_budget(const ModelSpec& model, const EngineSpec& engine,
                                   const Parallel& parallel, Bytes gpu_memory);

}  // namespace terrace
