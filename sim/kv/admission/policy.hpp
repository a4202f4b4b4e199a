#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "sim/base/function_ref.hpp"
#include "sim/base/id.hpp"
#include "sim/base/units.hpp"
#include "sim/config/choice.hpp"
#include "sim/kv/eviction/facts.hpp"

namespace terrace {

/// Decides which of the blocks that a tier is offered are worth writing. A block is offered when
/// the tier's write rule says so: when complete, used again, or evicted above.
class AdmissionRule {
 public:
  virtual ~AdmissionRule() = default;
  virtual bool admits(ContentId content) = 0;

  /// Tells the contents that it keeps account of: their ids stay theirs.
  virtual void for_each_remembered(FunctionRef<void(ContentId)> visit) const {
    static_cast<void>(visit);
  }
};

struct AdmissionContext {
  using Needs = FactNeeds;

  const BlockFacts* facts = nullptr;  // as in EvictionContext
  // Time to compute, or to load from this tier with nothing else moving, so many first tokens of a
  // sequence. Null only if no rule that needs facts->recompute() is in use.
  std::function<Duration(Tokens)> recompute;
  std::function<Duration(Tokens)> reload;
  Tokens block_size;  // of the tier
};

class AdmissionRecipe : public config::Recipe<AdmissionRecipe, AdmissionRule, AdmissionContext> {};

template <class Rule>
std::unique_ptr<AdmissionRecipe> admission_recipe() {
  return std::make_unique<config::RecipeOf<AdmissionRecipe, Rule>>();
}

template <>
struct config::Variants<AdmissionRecipe> {
  static constexpr std::string_view kKind = "admission rule";
  static constexpr std::string_view kDefault = "always";
  static std::span<const Variant<AdmissionRecipe>> all();
};

}  // namespace terrace
