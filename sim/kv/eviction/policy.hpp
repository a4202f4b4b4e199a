#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "sim/base/function_ref.hpp"
#include "sim/base/id.hpp"
#include "sim/base/random.hpp"
#include "sim/config/choice.hpp"
#include "sim/kv/eviction/facts.hpp"

namespace terrace {

/// Ranks the resident blocks of one pool by how expendable they are.
///
/// Life of a block, as its policy sees it:
///   on_insert (on_unpin on_access* on_pin on_access*)* on_unpin (on_evict | on_remove)
/// A block is inserted pinned. Pinned blocks, those in use, are out of reach: victim() never names
/// one, and finds its block in O(1) amortised also when 99 % of the pool is pinned. A policy never
/// owns a block, and knows of the world what `BlockFacts` tells it.
class EvictionPolicy {
 public:
  virtual ~EvictionPolicy() = default;

  /// `block` now holds `content`, which lets a policy recognise what comes back after eviction;
  /// none if the block is empty but ranked all the same. REQUIRES: it was not resident.
  virtual void on_insert(BlockId block, ContentId content) = 0;

  /// A request reads `block`, pinned or not. The read that inserts it is not told.
  virtual void on_access(BlockId block) = 0;

  /// Its first user came, its last user went.
  virtual void on_pin(BlockId block) = 0;
  virtual void on_unpin(BlockId block) = 0;

  /// `block`, which victim() has just named, leaves to make room.
  virtual void on_evict(BlockId block) { on_remove(block); }

  /// `block` leaves for another reason, such as a move to another memory, and is not to be
  /// remembered. REQUIRES: it is resident and not pinned.
  virtual void on_remove(BlockId block) = 0;

  /// The most expendable block, to make room for `incoming` (none: not known yet); none if all are
  /// pinned. Asking again without a call in between names the same block.
  virtual BlockId victim(ContentId incoming) = 0;

  /// Whether `content` deserves a place at all in a full pool. Asked where a block may be left out,
  /// as in the tiers; the engine's own blocks always enter.
  [[nodiscard]] virtual bool admits(ContentId content) {
    static_cast<void>(content);
    return true;
  }

  /// Tells the contents that it remembers although they have left: their ids stay theirs.
  virtual void for_each_ghost(FunctionRef<void(ContentId)> visit) const {
    static_cast<void>(visit);
  }
};

/// What a policy is made for.
struct EvictionContext {
  using Needs = FactNeeds;

  std::int64_t capacity = 0;          // of its pool, in blocks
  const BlockFacts* facts = nullptr;  // outlives it; null only if it needs none
  Random random{0, "eviction"};       // a stream of its own
  Tokens block{1};                    // tokens that a block of its pool holds
};

class EvictionRecipe : public config::Recipe<EvictionRecipe, EvictionPolicy, EvictionContext> {};

/// A policy's last line: `std::unique_ptr<EvictionRecipe> lru() { return eviction_recipe<Lru>(); }`
template <class Policy>
std::unique_ptr<EvictionRecipe> eviction_recipe() {
  return std::make_unique<config::RecipeOf<EvictionRecipe, Policy>>();
}

template <>
struct config::Variants<EvictionRecipe> {
  static constexpr std::string_view kKind = "eviction policy";
  static constexpr std::string_view kDefault = "lru";
  static std::span<const Variant<EvictionRecipe>> all();
};

/// An eviction policy with its parameters, as a scenario chooses it.
using EvictionChoice = config::Choice<EvictionRecipe>;
using EvictionVariant = config::Variant<EvictionRecipe>;

/// Every policy there is, in the order of `policies.def`.
inline std::span<const EvictionVariant> eviction_policies() {
  return config::Variants<EvictionRecipe>::all();
}

/// A fresh policy with default parameters. REQUIRES: it is one of eviction_policies().
inline std::unique_ptr<EvictionPolicy> make_eviction_policy(std::string_view name,
                                                            const EvictionContext& context = {}) {
  return config::find_recipe<EvictionRecipe>(name)->make(context);
}

}  // namespace terrace
