#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "sim/cost/forms/form.hpp"

namespace terrace::forms {

/// Attention of one layer in a step that has chunks of prompts and decodes, in one kernel that
/// neither packs the query heads of a group nor splits sequences, as FlashAttention 2's varlen
/// kernel: every decode costs a padded tile per query head.
///
///   t       = max(P, beside + blocks heads decodes dispatch + || compute, memory ||_overlap)
///   beside  = P (1 - fill max(0, 1 - chunk tiles / SMs))     few tiles leave SMs to the decodes
///   compute = work + idle + 0.825 (walk(longest) - walk(mean))
///   walk(k) = tile + 4 head_dim 64 k SMs / tile_rate          of one thread block
///   work    = waves walk(mean),  waves = decodes heads / SMs
///   idle    = s (ceil(waves) - waves) walk(mean)
///   s       = walk(mean) / (walk(mean) + P)                  whether tiles end together
///   memory  = bytes of one KV head * passes / bandwidth
///   passes  = KV heads + w (heads (1 / c + (1 - 1 / c) KV heads / heads) - KV heads)
///   c       = max(1, company SMs / decodes),  w = u^2 / (1 + u^2),  u = one head's KV / (share L2)
///
/// P is what the chunks take alone. The longest chunk has 64 rows in each of its 1 + `blocks`
/// tiles; decodes are given as many, which find nothing to do but have to be dispatched. Thread
/// blocks run head by head, in each sequence by sequence: heads of a group find the KV in the L2 if
/// one head's KV of all sequences fits it, or if they walk it at the same time, c heads in each
/// other's company. 0.825: see UnevenDecodes.
struct Mixed {
  static constexpr std::string_view kName = "mixed";

  static constexpr std::array<Parameter, 8> kParameters{{
      {"tile", Unit::time, 1e-8, 20e-6, 3e-6, "of a tile, beside its keys"},
      {"tile_rate", Unit::flop_rate, 1e12, 1e16, 2.6e14, "of tiles of 64 rows, on all SMs"},
      {"dispatch", Unit::time, 1e-11, 1e-7, 2e-9, "of a tile without rows"},
      {"bandwidth", Unit::bandwidth, 1e11, 1e13, 1.5e12, "of HBM; at most the datasheet's"},
      {"company", Unit::none, 0.1, 4, 1, "tiles that walk together, over SMs"},
      {"l2_share", Unit::none, 0.1, 10, 1, "one head's KV that is found again, over the L2"},
      {"overlap", Unit::none, 1, 8, 3, "exponent: 1 adds streaming and computing, more hides"},
      {"fill", Unit::none, 1e-2, 1, 0.8, "of the SMs that few tiles of chunks leave to decodes"},
  }};

  struct Case {
    std::int64_t heads = 1;
    std::int64_t kv_heads = 1;
    std::int64_t head_dim = 128;
    double kv_bytes_per_element = 2;
    std::int64_t decodes = 1;
    double keys = 1;             // that the decodes walk, summed; see walked()
    double longest = 1;          // that one of them walks; below the mean, the mean counts
    double chunk = 1;            // fresh tokens of the longest chunk
    double chunk_tiles = 1;      // of all chunks and query heads
    double prefill_seconds = 0;  // that the chunks take without decodes
  };

  static constexpr double kRows = 64;  // of a tile

  /// Keys that a tile walks for `attended` ones, in blocks of 128: half a block more on average.
  static double walked(double attended);

  /// About 60 ns. REQUIRES: counts >= 1, parameters within their bounds.
  static double seconds(std::span<const double> p, const Chip& chip, const Case& x);
};

}  // namespace terrace::forms
