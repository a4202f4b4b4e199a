#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "sim/base/random.hpp"
#include "sim/kv/eviction/policy.hpp"
#include "sim/study/mrc/block_stream.hpp"
#include "sim/study/mrc/lru_curve.hpp"

namespace terrace {

/// The facts a replay can give to a policy: the time, which is that of the arrival; places in
/// sequences, if the stream has them; the future. Not who uses a block, what it costs to recompute,
/// or what waits in a queue: these need an engine.
constexpr FactNeeds kReplayFacts = FactNeeds::time | FactNeeds::sequence | FactNeeds::future;

/// What `needs` contains beyond them, in words; empty if a replay can serve it.
std::string lacking_facts(FactNeeds needs);

/// For each access, the index of the next one to the same block; 2^32 - 1 if there is none.
/// REQUIRES: fewer accesses than that.
std::vector<std::uint32_t> next_accesses(const BlockStream& stream);

struct ReplayOptions {
  std::int64_t capacity = 0;                         // in blocks
  Random random{0, "mrc/eviction"};                  // for policies that draw
  const std::vector<std::uint32_t>* next = nullptr;  // next_accesses(), for those that need it
};

/// A cache without time under any eviction policy: a read that misses inserts its block, which
/// evicts one if there is no room, unless the policy does not admit it; nothing is ever pinned.
/// Nothing if `proceed` ended it. REQUIRES: lacking_facts(recipe.needs()) is empty.
std::optional<HitCounts> replay(const BlockStream& stream, const EvictionRecipe& recipe,
                                const ReplayOptions& options, StudyProgress proceed);

}  // namespace terrace
