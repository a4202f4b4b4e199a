#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "calibrate/labs/kv_pool.hpp"
#include "calibrate/labs/shape.hpp"
#include "kernels/paged.hpp"

namespace terrace::labs {

/// What one sequence adds in a step: its newest tokens, in order, behind `computed` earlier ones
/// whose KV is in the listed blocks. Blocks have room for the new ones too.
struct SequenceStep {
  std::span<const std::int32_t> tokens;
  std::int64_t computed = 0;
  std::span<const std::int32_t> blocks;  // of the pool, by position
};

/// A block table that owns its numbers.
struct OwnedTable {
  std::vector<std::int32_t> blocks{};
  std::vector<std::int32_t> kv_lens{};
  std::int64_t width = 0;

  [[nodiscard]] kernels::BlockTable view() const { return {blocks, kv_lens, width}; }
};

/// The new tokens of a step, a row each, and where the attention kernels find what these see: the
/// same for all layers.
struct StepPlan {
  /// Sequences with a single new token and earlier ones come first, and are a decode; the others'
  /// rows follow. With latent attention every row is a decode of its own: its kernel lets a token
  /// of a chunk see what came before as it does any other.
  /// REQUIRES: every sequence has new tokens, of the vocabulary, and room for them.
  StepPlan(const Shape& shape, std::span<const SequenceStep> sequences);

  [[nodiscard]] std::int64_t rows() const { return static_cast<std::int64_t>(tokens.size()); }
  /// Rows in front that are decodes.
  [[nodiscard]] std::int64_t decodes() const {
    return static_cast<std::int64_t>(decode.kv_lens.size());
  }

  std::vector<std::int32_t> tokens{};     // by row
  std::vector<std::int32_t> positions{};  // by row
  std::vector<KvPool::Slot> slots{};      // by row
  std::vector<std::int64_t> last{};       // by sequence, as they were given: its last row
  std::int64_t longest = 0;               // tokens of a sequence
  OwnedTable decode{};
  OwnedTable prefill{};
  std::vector<std::int32_t> indptr{};  // of the prefilled rows, counted from the first of them
};

}  // namespace terrace::labs
