#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/study/mrc/mrc.hpp"
#include "sim/study/mrc/shards.hpp"

namespace terrace::app {

// What the words of `terrace mrc` say. All throw UsageError with what to write instead.

/// A bound of a range of capacities, not yet in blocks.
struct CapacityBound {
  enum class Unit { none, bytes, tokens, blocks };  // none: 0 is 0 in any unit
  std::int64_t count = 0;
  Unit unit = Unit::none;

  /// Whole blocks that fit.
  [[nodiscard]] std::int64_t blocks(Tokens block, Bytes bytes_per_block) const;
};

/// `NAME=LO..HI` or `NAME=auto`.
struct TierRange {
  std::string name;
  std::string text;                  // what follows the name, as it was typed
  std::optional<CapacityBound> low;  // neither: auto
  std::optional<CapacityBound> high;

  /// Its capacities in blocks: at most `points` of them. For auto, from a thousandth to all of
  /// `distinct`, the blocks there are.
  [[nodiscard]] std::vector<std::int64_t> capacities(Tokens block, Bytes bytes_per_block,
                                                     std::int64_t distinct,
                                                     std::int64_t points) const;
};

/// One of each `--tier`; without any, one called `cache` with capacities of its own choice.
std::vector<TierRange> tier_ranges(const std::vector<std::string>& texts);

/// A policy that a replay cannot serve, and what it would have to know.
struct LeftOut {
  std::string policy;
  std::string lacks;
};

struct PolicyWishes {
  std::vector<MrcPolicy> policies;
  std::vector<LeftOut> left_out;  // of all
};

/// `lru,{policy: lru_k, k: 3}`, or `all`: every policy that a replay can serve with its default
/// parameters. Throws config::ConfigError if parameters are wrong.
PolicyWishes policy_wishes(const std::optional<std::string>& text);

/// `0.01`, a rate, or `8192`, blocks to keep.
ShardsOptions shards_options(const std::string& text);

}  // namespace terrace::app
