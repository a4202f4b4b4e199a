#include "sim/cost/forms/mla_decode.hpp"

#include <algorithm>
#include <cmath>

#include "sim/base/p_norm.hpp"
#include "sim/cost/forms/attention_tiles.hpp"
#include "sim/cost/forms/mla.hpp"

namespace terrace::forms {
namespace {

enum {
  kLaunch,
  kBandwidth,
  kL2Gain,
  kFlopRate,
  kOverlap,
  kToken,
  kSerial,
  kCta,
  kWaves,
  kPartials,
  kColdStart
};

constexpr double kActivationBytes = 2;
constexpr double kHeadBlock = 64;
constexpr double kSplitTokens = 64;  // the least a split walks
constexpr double kCtasPerBlock = 4;

}  // namespace

double MlaDecode::seconds(std::span<const double> p, const Chip& chip, const Case& x) {
  if (x.batch <= 0) return 0;
  const auto heads = static_cast<double>(x.heads);
  const auto batch = static_cast<double>(x.batch);
  const double splits = std::ceil(std::max(x.kv_len, 1.0) / kSplitTokens);
  const double keys = splits * kSplitTokens;
  const double blocks = batch * std::ceil(heads / kHeadBlock);

  // RoPE reads and writes the queries, the attention reads them and writes its outputs.
  const double activations = batch * heads * kActivationBytes * (3 * kMlaRow + kMlaLatent);
  const double cache = batch * x.kv_len * kMlaRow * x.kv_bytes_per_element;
  const double spilled = cold_share(cache + activations, chip);
  const double cold = x.warm ? spilled : 1;
  const double l2_bandwidth = p[kBandwidth] * p[kL2Gain];
  const auto read = [&](double bytes, double share) {
    return bytes * (share / p[kBandwidth] + (1 - share) / l2_bandwidth);
  };

  const double per_sm = kCtasPerBlock * blocks / chip.sms;
  const double waves = per_sm + p[kWaves] * (std::ceil(per_sm) - per_sm);
  const double cta_flops = 2 * keys * kHeadBlock * (kMlaRow + kMlaLatent) / kCtasPerBlock;
  const double compute = waves * cta_flops / (p[kFlopRate] / chip.sms);
  const double attention =
      p_norm(p_norm(read(cache, cold), compute, p[kOverlap]), keys * p[kToken], p[kSerial]);

  const double split_rows = std::min(chip.sms, blocks * splits) * std::min(heads, kHeadBlock);
  const double partials = p[kPartials] * split_rows * kMlaLatent * 2 * sizeof(float) / l2_bandwidth;
  return p[kLaunch] + per_sm * p[kCta] + std::max(read(activations, spilled), partials) +
         cold * p[kColdStart] + attention;
}

}  // namespace terrace::forms
