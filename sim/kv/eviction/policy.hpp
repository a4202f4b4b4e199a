#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "sim/base/id.hpp"

namespace terrace {

/// Ranks the resident blocks of one pool by how expendable they are.
///
/// Life of a block, as its policy sees it:
///   on_insert (on_unpin on_access* on_pin on_access*)* [on_unpin] on_remove
/// A block is inserted pinned. Pinned blocks, those in use, are out of reach: victim() never names
/// one, and finds its block in O(1) amortised also when 99 % of the pool is pinned. A policy never
/// owns a block and never looks at the clock or into the future; the order of calls is all it sees.
class EvictionPolicy {
 public:
  virtual ~EvictionPolicy() = default;

  /// `block` now holds `content`, which lets a policy recognise what comes back after eviction;
  /// none if the block is empty but ranked all the same. REQUIRES: it was not resident.
  virtual void on_insert(BlockId block, ContentId content) = 0;

  /// `block` was read, pinned or not.
  virtual void on_access(BlockId block) = 0;

  /// Its first user came, its last user went.
  virtual void on_pin(BlockId block) = 0;
  virtual void on_unpin(BlockId block) = 0;

  /// `block` leaves. REQUIRES: it is resident and not pinned.
  virtual void on_remove(BlockId block) = 0;

  /// The most expendable block, which stays until on_remove(); BlockId::none() if all are pinned.
  virtual BlockId victim() = 0;
};

struct EvictionPolicyInfo {
  std::string_view name;
  std::string_view summary;
  std::unique_ptr<EvictionPolicy> (*make)();
};

/// Every policy there is, in the order of `policies.def`.
std::span<const EvictionPolicyInfo> eviction_policies();

/// A fresh policy of that name. REQUIRES: it is one of eviction_policies().
std::unique_ptr<EvictionPolicy> make_eviction_policy(std::string_view name);

}  // namespace terrace
