#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/histogram.hpp"
#include "sim/base/units.hpp"

namespace terrace {

/// Why a token of a prompt was not served from a cache. Fates says precisely which one holds.
enum class MissCause : std::uint8_t {
  never_seen,        // its block had not been computed in this run
  evicted,           // the place let go of it
  write_pending,     // it was on its way to the place
  no_room,           // not written: every block of the place was in use
  queue_full,        // not written: too many writes waited
  write_dropped,     // its write gave way to younger ones
  below_uses,        // not offered: a selective tier had not seen it used often enough
  admission_rule,    // declined by the tier's admission rule
  eviction_policy,   // declined by the tier's eviction policy
  partial_block,     // it never was part of a whole block of the place
  last_token,        // something has to be computed, or there is nothing to sample from
  other_replica,     // cached, but where this replica cannot read it
  prefix_broken,     // cached within reach, but a block before it was not
  behind_load,       // in HBM, but behind blocks that lay below: HBM is read up to its first gap
  recompute_chosen,  // below and within reach, but computing it was preferred
  no_caching         // enable_prefix_caching: false
};
constexpr std::size_t kMissCauses = 16;

/// Their names in files, by MissCause.
constexpr std::array<std::string_view, kMissCauses> kMissCauseNames = {
    "never_seen",      "evicted",       "write_pending",    "no_room",
    "queue_full",      "write_dropped", "below_uses",       "admission_rule",
    "eviction_policy", "partial_block", "last_token",       "other_replica",
    "prefix_broken",   "behind_load",   "recompute_chosen", "no_caching"};

constexpr std::string_view name_of(MissCause cause) {
  return kMissCauseNames[static_cast<std::size_t>(cause)];
}

/// The missed tokens of one cause at one place.
struct MissRow {
  MissCause cause = MissCause::never_seen;
  std::string where;          // "hbm", a tier's name, or empty
  std::int64_t requests = 0;  // with a token of this row
  Tokens tokens;
  // Of evicted ones, in picoseconds, one entry per token:
  Histogram idle;  // from the last use there until the eviction
  Histogram away;  // from the last use there until the look-up that missed
};

/// All missed tokens of a run, each in one row; rows by cause, then from HBM downwards.
struct Misses {
  Tokens looked_up;
  Tokens missed;
  std::vector<MissRow> rows;
};

}  // namespace terrace
