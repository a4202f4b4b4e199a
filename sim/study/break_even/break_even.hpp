#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/kv/tier_spec.hpp"
#include "sim/scenario/scenario.hpp"

namespace terrace {

/// How long it takes to have the KV of a prompt's prefix in HBM, by computing it again or by
/// loading it from a tier, by the same arithmetic as in runs: the cost model's steps, in chunks,
/// and the fabric's routes, with nothing else going on.
///
/// Prefixes are counted in whole blocks. `fresh` tokens follow them in the prompt and are computed
/// either way.
class PrefixTimes {
 public:
  /// Of the scenario count the model, the hardware and how it is served. Its replicas all load the
  /// same at the same time.
  PrefixTimes(const Scenario& machine, Tokens fresh);
  ~PrefixTimes();

  /// What of the steps was not measured.
  [[nodiscard]] std::vector<std::string> caveats() const;

  /// How much sooner the first token would be there if the prefix were in HBM already.
  [[nodiscard]] Duration recompute(std::int64_t blocks) const;

  /// Of blocks [from, to), from their tier into HBM, DRAM on the way included.
  [[nodiscard]] Duration load(Medium tier, std::int64_t from, std::int64_t to) const;

  /// What of a load is not hidden behind the fresh tokens if each of their layers waits for its own
  /// part only (LoadWait::layerwise).
  [[nodiscard]] Duration stall(Duration load, std::int64_t blocks) const;

  /// The first blocks are computed while the others are loaded (LoadDecision::hybrid).
  struct Split {
    std::int64_t computed = 0;  // blocks
    Duration time{};            // until all are there
  };
  [[nodiscard]] Split split(Medium tier, std::int64_t blocks) const;

  /// The fewest blocks from which on loading takes no longer than computing, up to `longest`. It is
  /// looked for between lengths that double, so a dent between two of them may be overlooked.
  /// Nothing if loading takes longer at `longest`.
  [[nodiscard]] std::optional<std::int64_t> break_even(Medium tier, std::int64_t longest) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// What is asked of a machine.
struct BreakEvenQuestion {
  std::vector<Medium> tiers;
  std::vector<Tokens> prefixes;  // of a block at least
  Tokens fresh{256};
};

/// Loading one prefix from one tier.
struct PrefixLoad {
  Duration load{};
  Duration stall{};  // of a layerwise load
  Duration hybrid{};
  Tokens computed;  // by the hybrid
};

struct PrefixAnswer {
  Tokens prefix;  // of whole blocks
  Bytes bytes;    // to be loaded
  Duration recompute{};
  Bandwidth needed;               // to load as fast as it is computed
  std::vector<PrefixLoad> loads;  // by tier
};

struct BreakEven {
  std::vector<PrefixAnswer> prefixes;
  std::vector<std::optional<Tokens>> from;  // by tier: where loading begins to pay; nothing: never
  Tokens longest;                           // that was looked at for it
  Bytes per_token;                          // on all GPUs of a replica together
  double copies = 1;                        // of each token's KV among them
  std::vector<std::string> caveats;         // of the cost model
};

/// REQUIRES: the scenario has the media that are asked for.
BreakEven break_even(const Scenario& machine, const BreakEvenQuestion& question);

}  // namespace terrace
