#pragma once

#include <cstdint>
#include <span>

#include "sim/base/units.hpp"

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
  Tokens decode_context;     // tokens they attend to, summed, the new ones included
  std::span<const PrefillChunk> prefills;
  std::int64_t samples = 0;  // sequences whose next token is sampled: decodes + completed prompts
  Tokens longest_decode{};   // tokens that the longest decode attends to

  [[nodiscard]] bool empty() const { return decodes == 0 && prefills.empty(); }
};

/// How long a step takes.
class CostModel {
 public:
  virtual ~CostModel() = default;

  /// From the start of the step's first kernel to its tokens being known on the host.
  /// Pure: the same batch takes the same time. O(prefills). REQUIRES: !batch.empty().
  [[nodiscard]] virtual Duration step(const Batch& batch) const = 0;
};

}  // namespace terrace
