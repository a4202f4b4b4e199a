#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "sim/cost/forms/form.hpp"
#include "sim/model/dtype.hpp"

namespace terrace::forms {

/// A dense matrix product Y[m,n] = X[m,k] W[n,k]^T through the linear layer of an engine.
///
///   t      = launch + quantise + (memory^3 + compute^3)^(1/3)
///   memory = (W f(rotation W + X + Y) + (X + Y) f(W + X + Y)) / bandwidth
///            bytes, where f is 1 for what went through L2 too long ago, and 1/warm if L2 holds it
///   tile   = waves (k step + drain)      W, X and Y are cut in tiles of a x b, one SM for each
///     step   = max(2 a b / rate, bytes of a + b / feed), per SM and element of k
///     drain  = bytes of the tile / drain
///     waves  = tiles / SMs, rounded up by the share `waves`, at least one
///   compute = the best tile of a few, slowed by throttle where it lasts much more than 1 ms
///
/// 16-bit weights: the library chooses among tiles and may cut k in s pieces while SMs are idle,
/// for `split` and s partial results. 8-bit weights: CUTLASS chooses by m alone and does not cut k;
/// tokens are quantised first, in `row` each and 5 bytes per element over `quantise`. int4 weights
/// are multiplied at 16 bits; that has not been measured.
///
/// Found on measurements of vLLM 0.14 (A100) and 0.24 on five GPUs. A roofline per SM explains why
/// small tiles are slow: (a + b) / (a b) bytes per operation come from L2. Not monotone in one
/// place: k is cut in fewer pieces when m or n need one tile more, and the partial results are
/// fewer. Doubling m, n or k never takes less time, and neither does a lower rate or bandwidth.
struct Gemm {
  static constexpr std::string_view kName = "gemm";

  static constexpr std::array<Parameter, 13> kParameters{{
      {"launch", Unit::time, 1e-7, 2e-5, 2.5e-6, "of the kernels, before the first byte"},
      {"bandwidth", Unit::bandwidth, 2e11, 1e13, 2e12, "of memory"},
      {"rate", Unit::flop_rate, 5e13, 4e15, 6e14, "of all SMs on a large tile"},
      {"feed", Unit::bandwidth, 1e12, 6e13, 1e13, "from L2 into all SMs"},
      {"drain", Unit::bandwidth, 1e11, 5e13, 4e12, "of finished tiles out of all SMs"},
      {"split", Unit::time, 1e-8, 1e-4, 3e-6, "to add the partial results of a k in pieces"},
      {"throttle", Unit::none, 1e-3, 0.4, 0.1, "slower by this share at the power limit"},
      {"warm", Unit::none, 1, 10, 2, "times memory's bandwidth for what L2 holds"},
      {"cache", Unit::none, 0.3, 2, 0.7, "share of L2 that holds"},
      {"waves", Unit::none, 0.01, 1, 0.6, "share of the last wave's idle SMs that is lost"},
      {"row", Unit::time, 1e-10, 1e-7, 5e-9, "to quantise a token (8-bit weights)"},
      {"quantise", Unit::bandwidth, 1e11, 2e13, 2e12, "of quantisation (8-bit weights)"},
      {"wide", Unit::none, 32, 1024, 250, "tokens from which tiles are 128 wide (8-bit weights)"},
  }};

  /// 16-bit products are split, 8-bit ones quantised.
  static constexpr bool concerns(std::string_view parameter, DType dtype) {
    const bool narrow = bits(dtype) == 8;
    if (parameter == "split") return !narrow;
    return narrow || (parameter != "row" && parameter != "quantise" && parameter != "wide");
  }

  struct Case {
    std::int64_t m = 1;  // tokens
    std::int64_t n = 1;  // outputs
    std::int64_t k = 1;  // inputs
    DType weights = DType::bf16;
    /// Weight matrices used in turn, as benchmarks do: L2 may still hold the first one after the
    /// last. 0: so much else comes between, as in a model, that W is in memory.
    std::int64_t rotation = 0;
    /// With 8-bit weights: tokens came quantised, and the call is the product alone.
    bool tokens_quantised = false;
  };

  /// Seconds for one call. REQUIRES: m, n, k >= 1. About 100 (8 bits) to 150 ns.
  static double seconds(std::span<const double> p, const Chip& chip, const Case& x);
};

}  // namespace terrace::forms
