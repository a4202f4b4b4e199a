#include "sim/study/plan/step_floors.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "sim/model/model.hpp"
#include "sim/scenario/cost_spec.hpp"

namespace terrace {

StepFloors::StepFloors(const Scenario& scenario, Tokens least_prompt)
    : scenario_(scenario), least_prompt_(least_prompt), cost_(make_cost_model(scenario)) {}

/// Whoever steps together waits for the slowest: the others have nothing to do.
Duration StepFloors::time(const Batch& batch) const {
  std::vector<Batch> ranks(static_cast<std::size_t>(scenario_.serving.data_parallel));
  ranks.front() = batch;
  return cost_->step(ranks).time;
}

Duration StepFloors::step(std::int64_t tokens) const {
  const Tokens context = least_prompt_ + Tokens{1};
  const ModelSpec& model = scenario_.model;
  std::vector<Tokens> bounded;
  for (const BoundedReach& reach : bounded_reaches(model)) {
    const Tokens encoder = model.encoder ? model.encoder->tokens : Tokens{};
    bounded.push_back(attended(reach.reach, reach.span, context, encoder) * tokens);
  }
  const Duration decoding = time({.decodes = tokens,
                                  .decode_context = context * tokens,
                                  .decode_longest = context,
                                  .decode_bounded = bounded,
                                  .samples = tokens});
  const std::vector<PrefillChunk> last_tokens(static_cast<std::size_t>(tokens),
                                              {Tokens{1}, least_prompt_ - Tokens{1}});
  return std::min(decoding, time({.prefills = last_tokens, .samples = tokens}));
}

Duration StepFloors::prompt(Tokens fresh) const {
  const EngineSpec& engine = scenario_.serving.engine;
  Tokens most = fresh;
  if (engine.enable_chunked_prefill) {
    most = std::min(most, engine.max_num_batched_tokens);
    const Tokens long_prompt = engine.long_prefill_token_threshold;
    if (long_prompt > Tokens{}) most = std::min(most, long_prompt);
  }
  Duration sum{};
  for (Tokens done; done < fresh;) {
    const PrefillChunk chunk{std::min(most, fresh - done), done};
    done += chunk.fresh;
    sum += time({.prefills = {&chunk, 1}, .samples = done == fresh ? 1 : 0});
  }
  return lowered(sum);
}

double StepFloors::tokens_per_second() const {
  const EngineSpec& engine = scenario_.serving.engine;
  const std::int64_t most = std::min(engine.max_num_seqs, engine.max_num_batched_tokens.count());
  double best = 0;
  for (std::int64_t tokens = 1; tokens <= most; ++tokens) {
    best = std::max(best, static_cast<double>(tokens) / seconds(lowered(step(tokens))));
  }
  return best;
}

}  // namespace terrace
