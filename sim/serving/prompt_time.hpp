#pragma once

#include <cstdint>

#include "sim/base/units.hpp"
#include "sim/cost/cost_model.hpp"
#include "sim/serving/engine_spec.hpp"

namespace terrace {

/// How long the steps of a prompt take that an engine has to itself.
class PromptTime {
 public:
  /// `layers` of the model, each of which waits for its own part of a layerwise load.
  PromptTime(const EngineSpec& spec, std::int64_t layers, const CostModel& cost);

  /// The steps that compute tokens [from, to) of a prompt of `known` tokens.
  [[nodiscard]] Duration compute(Tokens known, Tokens from, Tokens to) const;

  /// Until its next token, if tokens up to `from` have been loaded when `load` has passed.
  [[nodiscard]] Duration after_load(LoadWait wait, Tokens known, Duration load, Tokens from) const;

 private:
  Tokens chunk_;  // most tokens of one prompt in a step
  std::int64_t layers_;
  const CostModel* cost_;
};

}  // namespace terrace
