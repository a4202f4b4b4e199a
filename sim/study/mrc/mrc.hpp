#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/kv/eviction/policy.hpp"
#include "sim/study/mrc/block_stream.hpp"
#include "sim/study/mrc/shards.hpp"

namespace terrace {

/// How a curve was come by.
enum class MrcMethod {
  exact,   // LRU stack distances
  shards,  // those of a sample
  replay   // one run for each capacity
};

/// An eviction policy with its parameters, and what reports call it.
struct MrcPolicy {
  /// With default parameters. REQUIRES: it is one of eviction_policies().
  explicit MrcPolicy(std::string_view name) : label(name), choice(name) {}
  MrcPolicy(std::string_view text, EvictionChoice chosen)
      : label(text), choice(std::move(chosen)) {}

  std::string label;
  EvictionChoice choice;
};

struct MrcOptions {
  std::vector<MrcPolicy> policies;       // of different labels
  std::vector<std::int64_t> capacities;  // in blocks, ascending
  std::optional<ShardsOptions> shards;   // of LRU; otherwise it is exact
  std::uint64_t seed = 0;                // of policies that draw
  int jobs = 1;                          // threads; results do not depend on it
  /// Asked by the calling thread, some times a second, with the part of the work that is done.
  std::function<bool(double)> proceed;
};

/// What caches of all capacities hit under one policy.
struct MrcCurve {
  struct Point {
    HitCounts hits;
    double error = 0;  // standard error of hits.blocks; 0 unless sampled
  };
  std::string policy;  // its label
  MrcMethod method = MrcMethod::exact;
  bool oracle = false;                       // it sees the future, which no real cache does
  std::vector<std::optional<Point>> points;  // one per capacity; empty if it was stopped before
  double rate = 1;                           // the part of blocks that was sampled
  std::int64_t sampled = 0;                  // how many these were; 0 unless sampled
};

struct Mrc {
  StreamTotals totals;
  std::vector<MrcCurve> curves;  // one per policy, in their order
  bool complete = true;
};

/// Hits against capacity for several policies. LRU is done in one pass, all others by one replay
/// per capacity; a capacity for all there is needs none. REQUIRES: a replay can serve the
/// policies (see lacking_facts).
Mrc miss_ratio_curves(const BlockStream& stream, const MrcOptions& options);

}  // namespace terrace
