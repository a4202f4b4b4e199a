#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "sim/cost/forms/form.hpp"

namespace terrace::forms {

/// Paged attention of one layer when every sequence of the batch adds one token (MHA, GQA, MQA),
/// the write of that token's keys and values included, as FlashAttention and FlashInfer do it.
///
///   t = launch + w cold_start + gather + activations / l2 + sequence min(batch, 512)
///     + min( N(memory, chain(1)),  combine + N(memory, min over s of [chain(s) + merge (s - 1)]) )
///
///   N(a, b)  = (a^p + b^p)^(1/p)                            streaming and computing overlap
///   memory   = KV bytes (w (1 + head_stride (1 - 1 / kv_heads)) / bandwidth + (1 - w) / l2)
///   w        = u / (1 + u),  u = (KV bytes / (l2_share L2))^16       the part that comes from HBM
///   chain(s) = max( tile + rows(longest) / s,               the pieces of the longest sequence
///                   (s tiles tile + rows(all)) / SMs )      all pieces, dealt out over the SMs
///   tiles    = batch kv_heads ceil(heads / kv_heads / 64);  rows(n) = n 2 head_dim e /
///   tile_bandwidth
///
/// A thread block walks the KV of one sequence and one KV head at `tile_bandwidth`, whatever
/// there is to saturate the memory with. Flash-Decoding [Dao et al. 2023] cuts long sequences into
/// s pieces, at most 128 and none shorter than the kernel's block of 16384 / head_dim tokens
/// (FlashAttention 2, csrc/flash_attn/flash_api.cpp); a second kernel then merges them one by one.
/// FlashAttention 2 does not split when every query head has its own KV head (`mha_splits`), and
/// transposes queries and outputs of a grouped batch in kernels of their own (`gather`).
/// FlashAttention 3 looks for its work sequence by sequence; the tables show that cost saturate
/// near 512 sequences.
///
/// Kernels timed on replayed buffers find KV smaller than the L2 in it: `warm`, and only then is
/// w below 1. Between the layers of a model it was evicted, so a serving step is cold.
///
/// The time never falls when a sequence joins, a sequence grows, or lengths spread with the same
/// sum, because each s costs no less and the best s is taken.
struct Decode {
  static constexpr std::string_view kName = "decode";

  static constexpr std::array<Parameter, 14> kParameters{{
      {"launch", Unit::time, 1e-6, 30e-6, 8e-6, "launch, and the write of the new keys and values"},
      {"cold_start", Unit::time, 1e-8, 30e-6, 8e-6, "first access when the KV is not in the L2"},
      {"bandwidth", Unit::bandwidth, 1e11, 1e13, 2e12, "of HBM; at most the datasheet's"},
      {"l2_gain", Unit::none, 1, 10, 2, "bandwidth of the L2 over that of HBM"},
      {"l2_share", Unit::none, 0.5, 1.5, 1,
       "KV that stays in the L2 between replays, over its size"},
      {"head_stride", Unit::none, 0, 0.3, 0.03,
       "extra time as other heads lie between a head's rows"},
      {"overlap", Unit::none, 1.2, 6, 2.5,
       "exponent p: 1 adds streaming and computing, more hides"},
      {"tile", Unit::time, 1e-8, 10e-6, 1.5e-6, "of a thread block, beside its KV rows"},
      {"tile_bandwidth", Unit::bandwidth, 5e9, 3e11, 4e10,
       "at which one thread block walks its KV"},
      {"mha_splits", Unit::none, 1, 128, 16, "most pieces of a sequence where heads = KV heads"},
      {"combine", Unit::time, 1e-8, 10e-6, 2.5e-6, "the second kernel of a split"},
      {"merge", Unit::time, 1e-9, 1e-6, 1.5e-7, "of one more piece in the second kernel"},
      {"gather", Unit::time, 1e-9, 10e-6, 1e-6, "kernels that transpose a grouped batch"},
      {"sequence", Unit::time, 1e-11, 1e-7, 1e-8, "of looking up one sequence's work"},
  }};

  struct Case {
    std::int64_t batch = 1;
    double kv_tokens = 1;  // attended tokens, summed over the batch
    std::int64_t heads = 1;
    std::int64_t kv_heads = 1;
    std::int64_t head_dim = 128;
    double kv_bytes_per_element = 2;
    bool warm = false;   // replayed buffers, as in tables of kernels; a serving step is never warm
    double longest = 1;  // attended tokens of the longest sequence; below the mean, the mean counts
  };

  /// About 150 ns. REQUIRES: counts >= 1, kv_tokens >= 0, parameters within their bounds.
  static double seconds(std::span<const double> p, const Chip& chip, const Case& x);
};

}  // namespace terrace::forms
