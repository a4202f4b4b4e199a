#pragma once

#include "sim/kv/eviction/id_queues.hpp"

namespace terrace {

/// A queue of blocks threaded through a vector: O(1) everywhere, no node allocation.
using BlockList = IdQueues<BlockId>;

}  // namespace terrace
