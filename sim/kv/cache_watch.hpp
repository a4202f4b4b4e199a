#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "sim/base/id.hpp"
#include "sim/base/units.hpp"
#include "sim/des/event_loop.hpp"
#include "sim/kv/eviction/policy.hpp"
#include "sim/kv/misses.hpp"

namespace terrace {

struct Memories;

/// Hears what becomes of cached contents. Levels are HBM, 0, and tier t, t + 1; what happens in
/// any part of a level counts as of the level. A tier's block goes by its last engine block.
class CacheWatch {
 public:
  virtual ~CacheWatch() = default;

  /// Prefill or decode has filled these blocks, consecutive in one sequence.
  virtual void computed(std::span<const ContentId> contents) = 0;

  /// A copy left to make room; it was last held, or asked for, at `last_use`.
  virtual void evicted(std::size_t level, ContentId content, SimTime last_use) = 0;

  /// A copy left for another reason: an exclusive tier handed it up, or it never arrived.
  virtual void removed(std::size_t level, ContentId content) = 0;

  /// The level could have had it, but was not written.
  virtual void refused(std::size_t level, ContentId content, MissCause why) = 0;

  /// A request of `prompt` tokens is admitted: its blocks [0, hits) hit in HBM, [from, to) are
  /// loaded from below.
  virtual void looked_up(const Memories& memories, ReplicaId replica,
                         std::span<const ContentId> sequence, Tokens prompt, std::int64_t hits,
                         std::int64_t from, std::int64_t to) = 0;
};

/// The policy, telling `watch` what leaves its pool.
std::unique_ptr<EvictionPolicy> watched(std::unique_ptr<EvictionPolicy> policy, CacheWatch& watch,
                                        std::size_t level, const EventLoop& loop);

}  // namespace terrace
