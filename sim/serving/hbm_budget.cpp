#include "sim/serving/hbm_budget.hpp"

namespace terrace {

HbmBudget hbm_budget(const ModelSpec& model, const EngineSpec& engine, const Parallel& parallel,
                     Bytes gpu_memory) {
  const Bytes token = kv_bytes_per_token_per_gpu(model, engine.kv_cache_dtype, parallel);
  const Bytes fixed = fixed_bytes_per_sequence(model, engine.kv_cache_dtype, parallel);
  const Bytes reserve = engine.activation_reserve.value_or(
      engine_reserve(model, parallel, engine.max_num_batched_tokens, engine.max_num_seqs));
  return {gpu_memory, engine.gpu_memory_utilization, weight_bytes_per_gpu(model, parallel),
          reserve + fixed * engine.max_num_seqs, token * engine.block_size.count()};
}

}  // namespace terrace
