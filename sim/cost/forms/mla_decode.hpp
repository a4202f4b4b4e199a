#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "sim/cost/forms/form.hpp"

namespace terrace::forms {

/// Decode attention of MLA on the latent cache (576 per token and layer, shared by all heads), with
/// RoPE and without the projections. Heads are padded to blocks of 64, the rows of an MMA tile.
///
///   t = launch + u cta + max(activations, partials) + cold cold_start + || KV, compute, serial ||
///   u = 4 batch blocks / SMs;  compute = (u + waves (ceil u - u)) * FLOPs of a CTA / (F / SMs)
///   serial = kv_len * token: the keys that one CTA walks, one after the other
///
/// A kernel that splits long sequences over SMs has waves = 0 and next to no serial time (Hopper);
/// one that does not has waves = 1 and is bound by its longest sequence (the other GPUs). The
/// partial results of a split, in fp32, pass through the L2. Up to 64 heads it streams the cache,
/// at 128 it computes: the knee is sharp on Hopper.
///
/// Public tables replay their buffers, so a cache that fits the L2 is `warm`; in a serving step the
/// weights and other layers come in between and it never is. Sequences of unequal length: take the
/// mean, the batch is what is spread. Valid for one GPU and type of KV element.
struct MlaDecode {
  static constexpr std::string_view kName = "mla_decode";
  static constexpr std::array kParameters = {
      Parameter{"launch", Unit::time, 1e-7, 1e-4, 1e-5, "before the first key"},
      Parameter{"bandwidth", Unit::bandwidth, 1e10, 2e13, 2e12, "of memory"},
      Parameter{"l2_gain", Unit::none, 1, 50, 2, "bandwidth of the L2 over that of memory"},
      Parameter{"flop_rate", Unit::flop_rate, 1e12, 1e16, 2e14, "padding counted"},
      Parameter{"overlap", Unit::none, 1, 8, 3, "exponent that joins KV and compute"},
      Parameter{"token", Unit::time, 1e-12, 1e-6, 1e-9, "serial, per key"},
      Parameter{"serial", Unit::none, 1, 8, 3, "exponent that joins the serial part"},
      Parameter{"cta", Unit::time, 1e-9, 1e-4, 1e-6, "to start and end a quarter of a block"},
      Parameter{"waves", Unit::none, 1e-3, 1, 0.3, "0: work spreads evenly; 1: in whole waves"},
      Parameter{"partials", Unit::none, 1e-2, 10, 1, "traffic of split results"},
      Parameter{"cold_start", Unit::time, 1e-8, 1e-4, 3e-6, "until a cold cache streams"}};

  struct Case {
    std::int64_t heads = 1;
    double kv_bytes_per_element = 2;
    std::int64_t batch = 1;
    double kv_len = 1;  // keys per sequence, the current token's included
    bool warm = false;
  };

  /// 0 for no sequence: no call.
  static double seconds(std::span<const double> p, const Chip& chip, const Case& x);
};

}  // namespace terrace::forms
