#include "sim/cost/forms/decode.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "sim/base/p_norm.hpp"

namespace terrace::forms {
namespace {

enum : std::size_t {
  kLaunch,
  kColdStart,
  kBandwidth,
  kL2Gain,
  kL2Share,
  kHeadStride,
  kOverlap,
  kTile,
  kTileBandwidth,
  kMhaSplits,
  kCombine,
  kMerge,
  kGather,
  kSequence
};

constexpr double kMostSplits = 128;           // FlashAttention's and vLLM's limit
constexpr double kBlockElements = 16384;      // of K in one step of a thread block
constexpr double kRowsPerTile = 64;           // query heads that share a thread block
constexpr double kSequencesLookedUp = 512;    // beyond which the look-up no longer grows
constexpr double kActivationBytes = 2;        // queries, outputs, new keys and values in bf16
constexpr double kTensorsTransposed = 2 * 2;  // queries and outputs, each read and written

/// Part of the KV that has to come from HBM.
double cold_part(double bytes, double resident_bytes) {
  double u = bytes / resident_bytes;
  for (int i = 0; i < 4; ++i) u = std::min(u * u, 1e60);  // to the 16th
  return u / (1 + u);
}

/// The thread blocks' own time, were the memory infinitely fast.
struct Chain {
  double tile = 0;     // of one block, beside its rows
  double longest = 0;  // rows of the longest sequence
  double tiles = 0;    // `tile` of all unsplit blocks, over the SMs
  double rows = 0;     // all rows, over the SMs

  [[nodiscard]] double seconds(double splits) const {
    return std::max(tile + longest / splits, tiles * splits + rows);
  }

  /// Where seconds(s) + merge * s is least: at the minimum of its falling side, unless all SMs are
  /// busy before that.
  [[nodiscard]] double best_splits(double merge, double most) const {
    const double ahead = rows - tile;
    const double root = std::sqrt(ahead * ahead + 4 * tiles * longest);
    const double busy = ahead > 0 ? 2 * longest / (ahead + root) : (root - ahead) / (2 * tiles);
    return std::clamp(std::min(busy, std::sqrt(longest / merge)), 1.0, most);
  }
};

}  // namespace

double Decode::seconds(std::span<const double> p, const Chip& chip, const Case& x) {
  const auto batch = static_cast<double>(x.batch);
  const auto heads = static_cast<double>(x.heads);
  const auto kv_heads = static_cast<double>(x.kv_heads);
  const auto head_dim = static_cast<double>(x.head_dim);
  const double group = std::ceil(heads / kv_heads);

  const double row_bytes = 2 * head_dim * x.kv_bytes_per_element;
  const double kv_bytes = x.kv_tokens * kv_heads * row_bytes;
  const double w = x.warm ? cold_part(kv_bytes, p[kL2Share] * chip.l2_bytes) : 1;
  const double l2 = p[kBandwidth] * p[kL2Gain];
  const double hbm = p[kBandwidth] / (1 + p[kHeadStride] * (1 - 1 / kv_heads));
  const double memory = kv_bytes * (w / hbm + (1 - w) / l2);

  const double tiles = batch * kv_heads * std::ceil(group / kRowsPerTile);
  const double block = kBlockElements / head_dim;
  const double longest = std::max({x.longest, x.kv_tokens / batch, block});
  const double all = tiles / batch * std::max(x.kv_tokens, batch * block);
  const double per_row = row_bytes / p[kTileBandwidth];
  const Chain chain{.tile = p[kTile],
                    .longest = longest * per_row,
                    .tiles = tiles * p[kTile] / chip.sms,
                    .rows = all * per_row / chip.sms};

  double body = p_norm(memory, chain.seconds(1), p[kOverlap]);
  const double most = std::min(group > 1 ? kMostSplits : p[kMhaSplits], longest / block);
  const double splits = chain.best_splits(p[kMerge], std::max(1.0, most));
  if (splits > 1) {
    const double pieces = chain.seconds(splits) + p[kMerge] * (splits - 1);
    body = std::min(body, p[kCombine] + p_norm(memory, pieces, p[kOverlap]));
  }

  const double one = kActivationBytes * batch * heads * head_dim;  // the queries, or the outputs
  const double written =
      batch * kv_heads * head_dim * 2 * (kActivationBytes + x.kv_bytes_per_element);
  double activations = (2 * one + written) / l2;
  if (group > 1 && x.kv_heads > 1 && x.batch > 1) {
    activations += p[kGather] + kTensorsTransposed * one / l2;
  }
  return p[kLaunch] + w * p[kColdStart] + body + activations +
         p[kSequence] * std::min(batch, kSequencesLookedUp);
}

}  // namespace terrace::forms
