#include "sim/cost/forms/mixed.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "sim/base/p_norm.hpp"
#include "sim/cost/forms/attention_tiles.hpp"

namespace terrace::forms {
namespace {

enum : std::size_t { kTile, kTileRate, kDispatch, kBandwidth, kCompany, kL2Share, kOverlap, kFill };

constexpr double kLongestShare = 0.825;  // UnevenDecodes::share_with_prefill

}  // namespace

double Mixed::walked(double attended) { return std::max(attended + kKeyBlock / 2, kKeyBlock); }

double Mixed::seconds(std::span<const double> p, const Chip& chip, const Case& x) {
  const auto heads = static_cast<double>(x.heads);
  const auto kv_heads = static_cast<double>(x.kv_heads);
  const auto head_dim = static_cast<double>(x.head_dim);
  const auto decodes = static_cast<double>(x.decodes);
  const double mean = x.keys / decodes;
  const double longest = std::max(x.longest, mean);

  const double per_key = 4 * head_dim * kRows * chip.sms / p[kTileRate];
  const double walk = p[kTile] + mean * per_key;
  const double waves = decodes * heads / chip.sms;
  const double together = walk / (walk + x.prefill_seconds);
  const double idle = together * (std::ceil(waves) - waves);
  const double compute = (waves + idle) * walk + kLongestShare * (longest - mean) * per_key;

  const double head_bytes = x.keys * 2 * head_dim * x.kv_bytes_per_element;
  const double u = head_bytes / (p[kL2Share] * chip.l2_bytes);
  const double lost = u * u / (1 + u * u);
  const double alone = std::min(1.0, decodes / (p[kCompany] * chip.sms));
  const double most = heads * alone + kv_heads * (1 - alone);
  const double passes = std::lerp(kv_heads, most, lost);
  const double memory = head_bytes * passes / p[kBandwidth];

  const double blocks = std::max(0.0, std::ceil(x.chunk / kRows) - 1);
  const double dispatch = blocks * heads * decodes * p[kDispatch];
  const double left = std::max(0.0, 1 - x.chunk_tiles / chip.sms);
  const double beside = x.prefill_seconds * (1 - p[kFill] * left);
  return std::max(x.prefill_seconds, beside + dispatch + p_norm(compute, memory, p[kOverlap]));
}

}  // namespace terrace::forms
