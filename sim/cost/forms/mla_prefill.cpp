#include "sim/cost/forms/mla_prefill.hpp"

#include <algorithm>
#include <cmath>

#include "sim/base/p_norm.hpp"
#include "sim/cost/forms/mla.hpp"

namespace terrace::forms {
namespace {

enum { kLaunch, kFlopRate, kTileRate, kTail, kTile, kWide, kBandwidth, kL2Gain, kThrottle };

constexpr double kActivationBytes = 2;
constexpr double kNarrowRows = 64;
constexpr double kWideRows = 128;
constexpr double kKeyDim = 192;
constexpr double kValueDim = 128;
constexpr double kFlopsEach = 2 * (kKeyDim + kValueDim);

}  // namespace

MlaPrefill::Load& MlaPrefill::Load::operator+=(const Load& other) {
  narrow += other.narrow;
  wide += other.wide;
  longest_keys = std::max(longest_keys, other.longest_keys);
  tokens += other.tokens;
  read_bytes += other.read_bytes;
  copied_bytes += other.copied_bytes;
  prefix_bytes += other.prefix_bytes;
  return *this;
}

MlaPrefill::Load MlaPrefill::load(const Case& x) {
  if (x.batch <= 0 || x.fresh <= 0) return {};
  const auto heads = static_cast<double>(x.heads);
  const auto batch = static_cast<double>(x.batch);
  const Keys keys = keys_walked(x.fresh, x.prefix, 0);
  Load load;
  load.narrow.count = batch * heads * std::ceil(x.fresh / kNarrowRows);
  load.narrow.row_keys = load.narrow.count * kNarrowRows * keys.mean;
  load.wide.count = batch * heads * std::ceil(x.fresh / kWideRows);
  load.wide.row_keys = load.wide.count * kWideRows * keys.mean;
  load.longest_keys = keys.longest;
  load.tokens = batch * x.fresh;
  // Queries and outputs, keys and values; RoPE copies the keys and writes the latent.
  load.read_bytes = load.tokens * heads * 2 * (kKeyDim + kValueDim) * kActivationBytes;
  load.copied_bytes = load.tokens * (heads * 2 * kKeyDim * kActivationBytes +
                                     kMlaRow * (kActivationBytes + x.kv_bytes_per_element));
  load.prefix_bytes = batch * x.prefix * heads * (kKeyDim + kValueDim) * kActivationBytes;
  return load;
}

double MlaPrefill::seconds(std::span<const double> p, const Chip& chip, const Load& load) {
  if (load.tokens <= 0) return 0;
  const double wide = p[kWide];
  const Tiles tiles{std::lerp(load.narrow.count, load.wide.count, wide),
                    std::lerp(load.narrow.row_keys, load.wide.row_keys, wide)};
  const double longest = std::lerp(kNarrowRows, kWideRows, wide) * load.longest_keys;
  const double compute = tile_seconds({p[kFlopRate], p[kTileRate], p[kTail], p[kTile], kFlopsEach},
                                      chip, tiles, longest);
  const double cold = cold_share(load.read_bytes, chip);
  const double per_byte = (cold + (1 - cold) / p[kL2Gain]) / p[kBandwidth];
  const double read = load.read_bytes * per_byte + load.prefix_bytes / p[kBandwidth];
  return p[kLaunch] + load.copied_bytes * per_byte + p_norm4(compute, read) +
         throttled(compute, p[kThrottle]) - compute;
}

double MlaPrefill::flops(const Case& x) {
  return kFlopsEach * static_cast<double>(x.batch * x.heads) * x.fresh *
         (x.prefix + (x.fresh + 1) / 2);
}

}  // namespace terrace::forms
