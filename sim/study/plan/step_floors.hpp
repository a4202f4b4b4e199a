#pragma once

#include <cstdint>
#include <memory>

#include "sim/base/units.hpp"
#include "sim/cost/cost_model.hpp"
#include "sim/scenario/scenario.hpp"

namespace terrace {

/// What no schedule can beat, by the scenario's own step times. It rests on these properties of
/// them, which tests look at for every back end:
///   1. more tokens, more context and more prompts never shorten a step;
///   2. a step that decodes for some and completes prompts of others is no shorter than the shorter
///      of two steps that yield as many tokens: one that only decodes, one that only completes;
///   3. a prompt takes no less in more steps than in as few as its engine allows.
/// Measured kernels keep to them but for up to 8 %, where the tiles of a larger product fit
/// better; floors are lowered by kLeeway for that.
class StepFloors {
 public:
  static constexpr double kLeeway = 0.1;

  /// No prompt is shorter than `least_prompt`.
  StepFloors(const Scenario& scenario, Tokens least_prompt);

  /// Until the first token of a prompt, of which `fresh` tokens are in no cache.
  [[nodiscard]] Duration prompt(Tokens fresh) const;

  /// From a sequence's token to its next.
  [[nodiscard]] Duration token() const { return lowered(step(1)); }

  /// Tokens that one replica makes at most.
  [[nodiscard]] double tokens_per_second() const;

 private:
  [[nodiscard]] static Duration lowered(Duration time) {
    return Duration{static_cast<Duration::rep>(static_cast<double>(time.count()) / (1 + kLeeway))};
  }
  [[nodiscard]] Duration step(std::int64_t tokens) const;
  [[nodiscard]] Duration time(const Batch& batch) const;

  const Scenario& scenario_;
  Tokens least_prompt_;
  std::unique_ptr<CostModel> cost_;
};

}  // namespace terrace
