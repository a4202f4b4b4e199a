#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/cost/estimate.hpp"

namespace terrace {

/// New tokens of one prompt that enter the model in one step, behind those already computed.
struct PrefillChunk {
  Tokens fresh;
  Tokens prefix;
};

/// The work of one engine step, as much as its duration depends on. Decoding sequences come as
/// sums, so that a step that only decodes is described, and priced, in O(1).
struct Batch {
  std::int64_t decodes = 0;  // sequences that compute one token each
  Tokens decode_context{};   // tokens they attend to, summed, the new ones included
  Tokens decode_longest{};   // of the sequence with most of them
  // What they attend to in layers that do not reach all, summed: one entry for each of the model's
  // bounded reaches.
  std::span<const Tokens> decode_bounded{};
  std::span<const PrefillChunk> prefills{};
  std::int64_t samples = 0;  // sequences whose next token is sampled: decodes + completed prompts

  [[nodiscard]] bool empty() const { return decodes == 0 && prefills.empty(); }

  /// That enter the model. O(prefills).
  [[nodiscard]] std::int64_t tokens() const {
    std::int64_t sum = decodes;
    for (const PrefillChunk& chunk : prefills) sum += chunk.fresh.count();
    return sum;
  }
};

/// How long a step takes.
class CostModel {
 public:
  virtual ~CostModel() = default;

  /// From the start of the step to where the next may start, with what nothing hides of the host's
  /// work. Engines that share experts step together: `ranks` are their batches, empty for who has
  /// nothing to do. The same batches take the same time. O(prefills), amortised.
  /// REQUIRES: not all of `ranks` are empty.
  [[nodiscard]] Estimate step(std::span<const Batch> ranks) const { return price(ranks); }
  [[nodiscard]] Duration time(const Batch& batch) const { return price({&batch, 1}).time; }

  /// What was not measured, and what stands in for it: one line each.
  [[nodiscard]] virtual std::vector<std::string> caveats() const { return {}; }

 private:
  [[nodiscard]] virtual Estimate price(std::span<const Batch> ranks) const = 0;
};

}  // namespace terrace
