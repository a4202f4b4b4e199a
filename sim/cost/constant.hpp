#pragma once

#include <memory>

#include "sim/config/fields.hpp"
#include "sim/cost/cost_model.hpp"

namespace terrace {

/// A step's time as a plain sum, for studies with closed forms and for tests; no GPU is like this.
struct ConstantCost {
  Duration per_step{};
  Duration per_prefill_token{};
  Duration per_decode{};
};

/// per_step + per_prefill_token * fresh tokens + per_decode * decodes, exactly; of several ranks
/// that of the slowest.
std::unique_ptr<CostModel> make_constant(const ConstantCost& cost);

void describe(config::Fields& f, ConstantCost& cost);

}  // namespace terrace
