#pragma once

#include <string>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/cost/cost_model.hpp"
#include "sim/metrics/summary.hpp"
#include "sim/serving/observer.hpp"

namespace terrace {

/// Where the GPUs' time goes: to prompts, or to sequences that decode. A step that does both would
/// have been shorter without its prompts: they bear the difference.
class NodeWatch final : public Observer {
 public:
  void on_start(const RunView& view) override { cost_ = &view.cost; }
  void on_step(const StepRecord& step) override;

  /// Of the time of all steps that did not wait for loads; 0 of none.
  [[nodiscard]] double prefill_share() const;

  /// Of prompts, that were computed; those of preempted requests each time.
  [[nodiscard]] Tokens prompt_tokens() const { return prompt_tokens_; }

 private:
  const CostModel* cost_ = nullptr;
  double busy_ = 0;  // seconds
  double prefill_ = 0;
  Tokens prompt_tokens_;
};

}  // namespace terrace
