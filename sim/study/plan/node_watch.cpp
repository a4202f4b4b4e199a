#include "sim/study/plan/node_watch.hpp"

#include <algorithm>

namespace terrace {

void NodeWatch::on_step(const StepRecord& step) {
  const double busy = seconds(step.end - step.start - step.stall);
  busy_ += busy;
  const Batch batch = step.plan.batch();
  if (batch.prefills.empty()) return;
  for (const PrefillChunk& chunk : batch.prefills) prompt_tokens_ += chunk.fresh;
  if (batch.decodes == 0) {
    prefill_ += busy;
    return;
  }
  Batch decodes = batch;
  decodes.prefills = {};
  decodes.samples = batch.decodes;
  const double with = seconds(cost_->time(batch));
  const double without = seconds(cost_->time(decodes));
  prefill_ += busy * std::max(1 - without / with, 0.0);
}

double NodeWatch::prefill_share() const { return busy_ > 0 ? prefill_ / busy_ : 0; }

}  // namespace terrace
