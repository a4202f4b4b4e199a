#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "sim/cost/forms/attention_tiles.hpp"
#include "sim/cost/forms/form.hpp"

namespace terrace::forms {

/// Causal attention of chunks of queries (MHA, GQA, MQA), with the kernel that writes their keys
/// and values to the paged cache. One call has chunks of any lengths: `load` is additive.
///
///   t     = launch + write + || tiles, read ||_1.25, tiles slowed by the power limit
///   tiles = || 4 d row_keys / F + n tile / SMs, longest ||_4 + tail longest
///   longest = 4 d rows keys SMs / tile_rate + tile              the last tile of the longest chunk
///   read  = fresh bytes (cold / bw + (1 - cold) / (gain bw)) + prefix bytes / bw
///   write = max(tokens / SMs min(kv_heads d, 512) / 512 w, bytes written at the rate above)
///
/// where row_keys counts whole tiles: FlashAttention-2 gives 64 rows of one head to a tile, unless
/// there is one query per sequence; FlashAttention-3 gives it 128 rows of all heads that share a
/// KV head. `packing` is the weight of the latter. Fresh queries, keys and values come from the
/// projections just before and are warm as far as they fit the L2; a cached prefix is cold.
/// The write kernel starts one thread block of at most 512 threads per token (vLLM,
/// reshape_and_cache_flash) and is bound by their number on small heads.
///
/// Valid for one GPU, type of KV element and head_dim. About 0.1 us per evaluation.
struct Prefill {
  static constexpr std::string_view kName = "prefill";
  static constexpr std::array kParameters = {
      Parameter{"launch", Unit::time, 1e-7, 1e-4, 8e-6, "before the first tile"},
      Parameter{"flop_rate", Unit::flop_rate, 1e12, 1e16, 4e14, "with all SMs busy"},
      Parameter{"tile_rate", Unit::flop_rate, 1e12, 2e16, 8e14,
                "of a tile alone on its SM, times SMs"},
      Parameter{"tail", Unit::none, 1e-3, 4, 0.3, "longest tiles that the last wave adds"},
      Parameter{"tile", Unit::time, 1e-9, 1e-4, 2e-6, "to start and end a tile"},
      Parameter{"packing", Unit::none, 1e-3, 1, 0.3,
                "0: tiles of 64 rows of a head; 1: of 128 rows of a group"},
      Parameter{"bandwidth", Unit::bandwidth, 1e10, 3e13, 2e12, "of memory"},
      Parameter{"l2_gain", Unit::none, 1, 50, 2, "bandwidth of the L2 over that of memory"},
      Parameter{"write", Unit::time, 1e-9, 1e-4, 5e-7,
                "of 512 threads that write a token's KV, per SM"},
      Parameter{"throttle", Unit::none, 1e-3, 0.6, 0.1, "slowdown of long calls"}};

  /// `batch` equal sequences: `fresh` queries each, after `prefix` tokens in the cache.
  struct Case {
    std::int64_t heads = 1;
    std::int64_t kv_heads = 1;
    std::int64_t head_dim = 128;
    double kv_bytes_per_element = 2;
    std::int64_t batch = 1;
    double fresh = 0;
    double prefix = 0;
    double window = 0;  // tokens a query sees, 0: all before it
  };

  /// What chunks put on the GPU. Chunks of one call add up: their head_dim must agree.
  struct Load {
    Tiles one_head;  // as FlashAttention-2 tiles them
    Tiles packed;    // as FlashAttention-3 does
    double longest_keys = 0;
    double head_dim = 0;
    double tokens = 0;
    double write_blocks = 0;  // of 512 threads
    double read_bytes = 0;    // queries, outputs, fresh keys and values
    double written_bytes = 0;
    double prefix_bytes = 0;

    Load& operator+=(const Load& other);
  };
  static Load load(const Case& x);

  /// 0 for no chunk: no call.
  static double seconds(std::span<const double> p, const Chip& chip, const Load& load);
  static double seconds(std::span<const double> p, const Chip& chip, const Case& x) {
    return seconds(p, chip, load(x));
  }

  /// Floating-point operations that causality and the window demand; no padding.
  static double flops(const Case& x);
};

}  // namespace terrace::forms
