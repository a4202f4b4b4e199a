#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace terrace {

/// A dense index that cannot be mistaken for another kind's: ids index vectors, never pointers.
template <class Kind>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(std::size_t index) : index_(static_cast<std::uint32_t>(index)) {}

  /// The id of nothing: equal to no index that is ever handed out.
  static constexpr Id none() { return Id{std::numeric_limits<std::uint32_t>::max()}; }

  [[nodiscard]] constexpr std::size_t index() const { return index_; }
  friend constexpr auto operator<=>(Id, Id) = default;

 private:
  std::uint32_t index_ = 0;
};

using ReplicaId = Id<struct ReplicaKind>;    // one serving engine
using RequestId = Id<struct RequestKind>;    // a live request's slot, reused after it has left
using BlockId = Id<struct BlockKind>;        // a slot of one pool or tier
using ContentId = Id<struct ContentKind>;    // what a full block holds: its tokens and all before
using TierId = Id<struct TierKind>;          // a tier below HBM
using MemoryId = Id<struct MemoryKind>;      // a memory of the fabric
using LinkId = Id<struct LinkKind>;          // anything of the fabric that bytes share
using TransferId = Id<struct TransferKind>;  // bytes on their way, reused after arrival

}  // namespace terrace
