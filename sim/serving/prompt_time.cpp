#include "sim/serving/prompt_time.hpp"

#include <algorithm>

namespace terrace {
namespace {

/// The end of time if it would be later.
Duration sum(Duration a, Duration b) { return b < Duration::max() - a ? a + b : Duration::max(); }

Tokens longest_chunk(const EngineSpec& spec) {
  if (!spec.enable_chunked_prefill) return Tokens::max();
  const Tokens cap = spec.long_prefill_token_threshold;
  return cap > Tokens{} ? std::min(cap, spec.max_num_batched_tokens) : spec.max_num_batched_tokens;
}

}  // namespace

PromptTime::PromptTime(const EngineSpec& spec, std::int64_t layers, const CostModel& cost)
    : chunk_(longest_chunk(spec)), layers_(layers), cost_(&cost) {}

Duration PromptTime::compute(Tokens known, Tokens from, Tokens to) const {
  Duration time{};
  while (from < to) {
    const PrefillChunk chunk{std::min(chunk_, to - from), from};
    from += chunk.fresh;
    time = sum(time, cost_->time({.prefills = {&chunk, 1}, .samples = from == known ? 1 : 0}));
  }
  return time;
}

Duration PromptTime::after_load(LoadWait wait, Tokens known, Duration load, Tokens from) const {
  if (wait != LoadWait::layerwise) return sum(load, compute(known, from, known));
  const Tokens first_chunk = from + std::min(chunk_, known - from);
  const Duration first = compute(known, from, first_chunk);
  return sum(std::max(first, sum(load, first / layers_)), compute(known, first_chunk, known));
}

}  // namespace terrace
