#pragma once

#include <cstdint>
#include <vector>

#include "sim/base/id.hpp"
#include "sim/base/units.hpp"
#include "sim/des/event_loop.hpp"
#include "sim/fabric/fabric.hpp"
#include "sim/kv/block_pool.hpp"
#include "sim/kv/cache_watch.hpp"
#include "sim/kv/content_table.hpp"
#include "sim/kv/tier.hpp"

namespace terrace {

/// The HBM of one replica: its paged cache, and where it lies in the fabric.
struct HbmPart {
  MemoryId memory;
  BlockPool pool;
};

/// What one engine block weighs on the fabric.
struct BlockTraffic {
  Bytes bytes;              // on all GPUs of the replica together
  std::int64_t pieces = 1;  // separate copies that moving it takes

  /// `extents` stretches of one memory that hold `blocks` engine blocks.
  [[nodiscard]] Cargo cargo(std::int64_t blocks, std::int64_t extents) const {
    return {bytes * blocks, pieces * blocks, extents};
  }
};

/// What a transfer is for.
struct Errand {
  enum class Kind : std::uint8_t { load, write, prefetch };
  Kind kind = Kind::load;
  std::uint32_t index = 0;  // of the load, the stream of writes, or the lane of prefetches
  std::size_t tier = 0;     // that is read or written
  Bytes bytes;
};

/// Where KV may lie, and the world it moves in: what all movers of a hierarchy share.
struct Memories {
  EventLoop& loop;
  Fabric& fabric;
  const ContentTable& contents;
  std::vector<HbmPart> hbm;  // by ReplicaId
  std::vector<Tier> tiers;   // from the nearest to the farthest
  BlockTraffic traffic;
  std::vector<Errand> errands;  // by TransferId
  CacheWatch* watch = nullptr;  // hears of what is lost, if anyone wants to know

  /// The tier could have had `content`, but is not written.
  void refuse(std::size_t tier, ContentId content, MissCause why) const {
    if (watch != nullptr) watch->refused(tier + 1, content, why);
  }

  /// The same for want of the rest of the tier's block, if `content` is the end of one.
  void refuse_part(std::size_t tier, ContentId content) const {
    if (watch == nullptr || (contents.position(content) + 1) % tiers[tier].ratio != 0) return;
    watch->refused(tier + 1, content, MissCause::partial_block);
  }

  void send(const Move& move, Errand::Kind kind, std::uint32_t index, std::size_t tier) {
    const TransferId transfer = fabric.start(move.from, move.to, move.cargo);
    if (transfer.index() >= errands.size()) errands.resize(transfer.index() + 1);
    errands[transfer.index()] = {kind, index, tier, move.cargo.size};
  }
};

}  // namespace terrace
