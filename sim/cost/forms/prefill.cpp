#include "sim/cost/forms/prefill.hpp"

#include <algorithm>
#include <cmath>

#include "sim/base/p_norm.hpp"

namespace terrace::forms {
namespace {

enum {
  kLaunch,
  kFlopRate,
  kTileRate,
  kTail,
  kTile,
  kPacking,
  kBandwidth,
  kL2Gain,
  kWrite,
  kThrottle
};

constexpr double kActivationBytes = 2;
constexpr double kOneHeadRows = 64;
constexpr double kPackedRows = 128;
constexpr double kWriteThreads = 512;

}  // namespace

Prefill::Load& Prefill::Load::operator+=(const Load& other) {
  one_head += other.one_head;
  packed += other.packed;
  longest_keys = std::max(longest_keys, other.longest_keys);
  head_dim = std::max(head_dim, other.head_dim);
  tokens += other.tokens;
  write_blocks += other.write_blocks;
  read_bytes += other.read_bytes;
  written_bytes += other.written_bytes;
  prefix_bytes += other.prefix_bytes;
  return *this;
}

Prefill::Load Prefill::load(const Case& x) {
  if (x.batch <= 0 || x.fresh <= 0) return {};
  const auto heads = static_cast<double>(x.heads);
  const auto kv_heads = static_cast<double>(x.kv_heads);
  const auto head_dim = static_cast<double>(x.head_dim);
  const auto batch = static_cast<double>(x.batch);
  const double group = heads / kv_heads;
  const Keys keys = keys_walked(x.fresh, x.prefix, x.window);

  Load load;
  load.one_head.count = x.fresh <= 1 ? batch * kv_heads * std::ceil(group / kOneHeadRows)
                                     : batch * heads * std::ceil(x.fresh / kOneHeadRows);
  load.one_head.row_keys = load.one_head.count * kOneHeadRows * keys.mean;
  load.packed.count = batch * kv_heads * std::ceil(x.fresh * group / kPackedRows);
  load.packed.row_keys = load.packed.count * kPackedRows * keys.mean;
  load.longest_keys = keys.longest;
  load.head_dim = head_dim;
  load.tokens = batch * x.fresh;
  load.write_blocks = load.tokens * std::min(kv_heads * head_dim / kWriteThreads, 1.0);
  const double elements = load.tokens * head_dim;
  load.read_bytes =
      elements * (2 * kActivationBytes * heads + 2 * x.kv_bytes_per_element * kv_heads);
  load.written_bytes = elements * kv_heads * 2 * (kActivationBytes + x.kv_bytes_per_element);
  const double kept = x.window > 0 ? std::min(x.prefix, x.window) : x.prefix;
  load.prefix_bytes = batch * kept * head_dim * kv_heads * 2 * x.kv_bytes_per_element;
  return load;
}

double Prefill::seconds(std::span<const double> p, const Chip& chip, const Load& load) {
  if (load.tokens <= 0) return 0;
  const double packing = p[kPacking];
  const Tiles tiles{std::lerp(load.one_head.count, load.packed.count, packing),
                    std::lerp(load.one_head.row_keys, load.packed.row_keys, packing)};
  const double longest = std::lerp(kOneHeadRows, kPackedRows, packing) * load.longest_keys;
  const double compute = tile_seconds(
      {p[kFlopRate], p[kTileRate], p[kTail], p[kTile], 4 * load.head_dim}, chip, tiles, longest);

  const double cold = cold_share(load.read_bytes + load.written_bytes, chip);
  const double per_byte = (cold + (1 - cold) / p[kL2Gain]) / p[kBandwidth];
  const double read = load.read_bytes * per_byte + load.prefix_bytes / p[kBandwidth];
  const double write =
      std::max(load.write_blocks / chip.sms * p[kWrite], load.written_bytes * per_byte);
  return p[kLaunch] + write + p_norm(compute, read, 1.25) + throttled(compute, p[kThrottle]) -
         compute;
}

double Prefill::flops(const Case& x) {
  // Query i of 1..fresh sees min(prefix + i, window) keys.
  double pairs = x.fresh * (x.prefix + (x.fresh + 1) / 2);
  const double beyond = x.window > 0 ? x.prefix + x.fresh - x.window : 0;  // of the last query
  if (beyond > 0) {
    const double cut = std::min(beyond, x.fresh);
    pairs -= cut * (beyond - (cut - 1) / 2);
  }
  return 4 * static_cast<double>(x.batch * x.heads * x.head_dim) * pairs;
}

}  // namespace terrace::forms
