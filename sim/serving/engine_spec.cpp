#include "sim/serving/engine_spec.hpp"

#include <optional>
#include <string_view>

namespace terrace {

namespace {

/// What the number of blocks is computed from, if it is.
void describe_memory(config::Fields& f, EngineSpec& engine) {
  const auto tell = [&](auto& utilization, auto& reserve) {
    f.field("gpu_memory_utilization", utilization, "share of each GPU's memory the engine may use",
            {0, 1, true});
    f.field("activation_reserve", reserve,
            "per GPU, for activations, CUDA graphs and libraries; not available to KV; what vLLM's "
            "profiling run would find if left out");
  };
  if (!engine.num_gpu_blocks || f.wants_all()) {
    tell(engine.gpu_memory_utilization, engine.activation_reserve);
    return;
  }
  std::optional<double> utilization;
  std::optional<Bytes> reserve;
  tell(utilization, reserve);
  const std::string_view hint = "remove it, or num_gpu_blocks";
  f.check(!utilization, "gpu_memory_utilization",
          "has no effect beside num_gpu_blocks, which says how many blocks there are", hint);
  f.check(!reserve, "activation_reserve",
          "has no effect beside num_gpu_blocks, which says how many blocks there are", hint);
}

}  // namespace

void describe(config::Fields& f, EngineSpec& engine) {
  f.field("block_size", engine.block_size, "tokens per KV block", config::between(1, 65536));
  f.field("max_num_seqs", engine.max_num_seqs, "sequences that run at once, per replica",
          config::at_least(1));
  f.field("max_num_batched_tokens", engine.max_num_batched_tokens, "token budget of one step",
          config::at_least(1));
  f.field("enable_chunked_prefill", engine.enable_chunked_prefill,
          "whether a prompt may be computed in several steps");
  f.field("long_prefill_token_threshold", engine.long_prefill_token_threshold,
          "most new tokens of one request per step; 0: no limit", config::kNotNegative);
  f.field("enable_prefix_caching", engine.enable_prefix_caching,
          "whether complete blocks are found again by later requests");
  f.field("policy", engine.policy,
          "order of the queue: fcfs, or priority (lower first, then by arrival)");
  f.field("admission", engine.admission,
          "what must fit into free blocks to admit a request: its first_chunk or its full_prompt");
  f.choice("eviction", engine.eviction, "which of the blocks nobody uses leaves HBM first");
  f.field("freed_partial_blocks", engine.freed_partial_blocks,
          "reused_first as in vLLM 2026, or ranked among the cached ones as before");
  f.field("load", engine.load,
          "whether blocks found in a tier are loaded: always, never (they are computed again), "
          "cheaper (as many as are expected to pay), hybrid (the first are computed while the "
          "rest is loaded)");
  f.field("load_wait", engine.load_wait,
          "what waits for blocks that are loaded from a tier: the request (park), each layer of "
          "its first step (layerwise), the whole step (blocking)");
  f.field("max_model_len", engine.max_model_len,
          "longest prompt plus output; longer requests are rejected; the model's if left out",
          config::at_least(1));
  f.field("kv_cache_dtype", engine.kv_cache_dtype, "type of K and V elements");
  f.field("kv_layout", engine.kv_layout,
          "pieces a block is moved in: one (block), or one per layer, K and V apart (layer)");
  f.field("num_gpu_blocks", engine.num_gpu_blocks,
          "KV blocks per replica, as vLLM counts them (one is never used); computed from memory if "
          "left out",
          config::between(2, 4e9));
  describe_memory(f, engine);
  describe(f, engine.execution);
  f.check(engine.enable_chunked_prefill || engine.long_prefill_token_threshold == Tokens{0},
          "long_prefill_token_threshold", "has no effect without chunked prefill",
          "leave it out, or enable_chunked_prefill: true");
  f.check(engine.load != LoadDecision::never || engine.load_wait == LoadWait::park, "load_wait",
          "has no effect where nothing is ever loaded", "leave it out, or change 'load'");
  f.check(engine.load != LoadDecision::hybrid || engine.load_wait == LoadWait::park, "load_wait",
          "must be park with 'load: hybrid', whose steps go on while a load is under way",
          "leave it out, or choose load: cheaper");
  f.check(engine.load != LoadDecision::hybrid || engine.enable_chunked_prefill, "load",
          "'hybrid' computes a prompt in two pieces, but there is no chunked prefill",
          "set enable_chunked_prefill: true, or choose load: cheaper");
}

}  // namespace terrace
