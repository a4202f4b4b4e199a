#pragma once

#include "sim/cost/forms/form.hpp"

namespace terrace::forms {

// What the attention kernels of a prefill share: a chunk of queries is cut into tiles of rows, a
// tile walks the keys it may see block by block, tiles are handed to the SMs. Blocks on the causal
// diagonal and at the edge of a window are computed whole.

inline constexpr double kKeyBlock = 128;

/// Tiles of one shape, over all sequences and heads.
struct Tiles {
  double count = 0;
  double row_keys = 0;  // rows times the keys they walk, padding included

  Tiles& operator+=(const Tiles& other);
};

/// Keys that the tiles of a chunk walk: `fresh` queries after `prefix` cached tokens, each seeing
/// the last `window` tokens (0: all). Continuous, and rising in all three.
struct Keys {
  double mean = 0;     // per tile
  double longest = 0;  // of the last tile: the critical path
};
Keys keys_walked(double fresh, double prefix, double window);

/// Share of `bytes` that comes from memory: 0 while they stay in the L2 of the GPU, 1 far above,
/// 1/2 at its size.
double cold_share(double bytes, const Chip& chip);

/// A GPU that computes for milliseconds reaches its power limit and lowers its clock.
/// REQUIRES: throttle >= 0, the slowdown of a long call; `compute` in s.
double throttled(double compute, double throttle);

/// Time of the tiles: their work spread over the SMs, or the longest tile if that is longer, and
/// the share of the longest tile that the last wave leaves the other SMs idle.
struct TileRates {
  double flop_rate = 1;   // FLOP/s, all SMs busy
  double tile_rate = 1;   // FLOP/s, times SMs, of a tile alone on its SM
  double tail = 0;        // of a longest tile
  double tile = 0;        // s per tile: prologue, epilogue
  double flops_each = 1;  // FLOPs per row and key
};
double tile_seconds(const TileRates& rates, const Chip& chip, const Tiles& tiles,
                    double longest_row_keys);

}  // namespace terrace::forms
