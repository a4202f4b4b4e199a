#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "sim/cost/forms/attention_tiles.hpp"
#include "sim/cost/forms/form.hpp"

namespace terrace::forms {

/// Causal attention of an MLA prefill (DeepSeek dimensions): the latent is expanded to keys of 192
/// and values of 128 per head, so it is multi-head attention; RoPE and the write of the latent
/// (576 per token) are included, the projections are not.
///
///   t = launch + copied + || tiles, read ||_4, tiles slowed by the power limit; tiles as in
///       Prefill with 640 FLOPs per row and key, read and copied at the L2's or memory's bandwidth
///
/// `wide` is the weight of tiles of 128 rows (Hopper) over tiles of 64 (other GPUs). A cached
/// prefix is read as expanded keys and values, which the engine has to make anew for every chunk.
struct MlaPrefill {
  static constexpr std::string_view kName = "mla_prefill";
  static constexpr std::array kParameters = {
      Parameter{"launch", Unit::time, 1e-7, 1e-4, 1e-5, "before the first tile"},
      Parameter{"flop_rate", Unit::flop_rate, 1e12, 1e16, 4e14, "with all SMs busy"},
      Parameter{"tile_rate", Unit::flop_rate, 1e12, 2e16, 8e14,
                "of a tile alone on its SM, times SMs"},
      Parameter{"tail", Unit::none, 1e-3, 4, 1, "longest tiles that the last wave adds"},
      Parameter{"tile", Unit::time, 1e-9, 1e-4, 1e-6, "to start and end a tile"},
      Parameter{"wide", Unit::none, 1e-3, 1, 0.3, "0: tiles of 64 rows; 1: of 128"},
      Parameter{"bandwidth", Unit::bandwidth, 1e10, 3e13, 2e12, "of memory"},
      Parameter{"l2_gain", Unit::none, 1, 50, 2, "bandwidth of the L2 over that of memory"},
      Parameter{"throttle", Unit::none, 1e-3, 0.6, 0.1, "slowdown of long calls"}};

  /// `batch` equal sequences: `fresh` queries each, after `prefix` tokens in the cache.
  struct Case {
    std::int64_t heads = 1;
    double kv_bytes_per_element = 2;
    std::int64_t batch = 1;
    double fresh = 0;
    double prefix = 0;
  };

  /// What chunks put on the GPU. Chunks of one call add up.
  struct Load {
    Tiles narrow;
    Tiles wide;
    double longest_keys = 0;
    double tokens = 0;
    double read_bytes = 0;
    double copied_bytes = 0;
    double prefix_bytes = 0;

    Load& operator+=(const Load& other);
  };
  static Load load(const Case& x);

  /// 0 for no chunk: no call.
  static double seconds(std::span<const double> p, const Chip& chip, const Load& load);
  static double seconds(std::span<const double> p, const Chip& chip, const Case& x) {
    return seconds(p, chip, load(x));
  }

  /// Floating-point operations that causality demands; no padding.
  static double flops(const Case& x);
};

}  // namespace terrace::forms
