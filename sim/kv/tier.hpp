#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/base/id.hpp"
#include "sim/base/units.hpp"
#include "sim/kv/admission/policy.hpp"
#include "sim/kv/block_pool.hpp"
#include "sim/kv/tier_spec.hpp"

namespace terrace {

/// What happened at one level of the hierarchy. Lookups and hits count tokens of prompts:
/// lookups = hits + misses, and the misses of a level are the lookups of the next.
struct TierCounters {
  std::int64_t requests = 0;  // that looked here
  Tokens lookups;
  Tokens hits;
  std::int64_t hit_blocks = 0;
  Bytes read;
  Bytes written;
  std::int64_t loads = 0;               // transfers out of it into HBM
  Duration load_time{};                 // from the request to the arrival, summed over loads
  std::int64_t writes_skipped = 0;      // no room that was not in use, or in the queue
  std::int64_t writes_declined = 0;     // by the admission rule, or by an eviction policy
  std::int64_t writes_dropped = 0;      // that had to leave a full queue to younger ones
  std::int64_t prefetches = 0;          // out of it, for one request or session each
  std::int64_t prefetches_stopped = 0;  // before all had moved: admitted earlier, or no room
  std::int64_t prefetched_blocks = 0;   // of the engine, that arrived; some are there still
  Bytes prefetched;
  std::int64_t prefetch_used = 0;    // of these, loaded later
  std::int64_t prefetch_unused = 0;  // evicted before
};

/// One part of a tier: all of it, one host's, or one replica's.
struct TierPart {
  MemoryId memory;
  BlockPool pool;
  std::unique_ptr<AdmissionRule> admission;
};

/// A tier below HBM. Its blocks are `ratio` engine blocks long and go by the ContentId of their
/// last engine block, which stands for all text before it.
struct Tier {
  TierSpec spec;
  std::int64_t ratio = 1;
  std::vector<TierPart> parts;
  std::vector<std::uint32_t> part_of;  // replica -> its part
  TierCounters counters;

  TierPart& part(ReplicaId replica) { return parts[part_of[replica.index()]]; }
  [[nodiscard]] const TierPart& part(ReplicaId replica) const {
    return parts[part_of[replica.index()]];
  }

  /// Where the block of the tier ends that holds the sequence's engine block at `position`.
  [[nodiscard]] std::int64_t block_end(std::int64_t position) const {
    return (position / ratio + 1) * ratio;
  }
};

}  // namespace terrace
