#include "sim/cost/forms/attention_tiles.hpp"

#include <algorithm>

#include "sim/base/p_norm.hpp"

namespace terrace::forms {
namespace {

// Seconds of computing after which the clock has come half of the way down. The four GPUs of the
// public tables that slow down do so between 6 and 8 ms.
constexpr double kThrottleAfter = 7e-3;

double sixth_power(double x) {
  const double cube = x * x * x;
  return cube * cube;
}

}  // namespace

Tiles& Tiles::operator+=(const Tiles& other) {
  count += other.count;
  row_keys += other.row_keys;
  return *this;
}

Keys keys_walked(double fresh, double prefix, double window) {
  // A query at y sees y keys and half a block more on average; the tile is at least one block.
  const double first = prefix + kKeyBlock / 2;
  const double last = prefix + std::max(fresh, kKeyBlock) + kKeyBlock / 2;
  const double longest = last - kKeyBlock / 2;
  const double most = window + kKeyBlock * 3 / 2;  // whole blocks at both edges
  if (window <= 0 || last <= most) return {(first + last) / 2, longest};
  if (first >= most) return {most, std::min(longest, most)};
  const double rising = (most - first) * (first + most) / 2;
  return {(rising + (last - most) * most) / (last - first), std::min(longest, most)};
}

double cold_share(double bytes, const Chip& chip) {
  if (chip.l2_bytes <= 0) return 1;
  const double steep = sixth_power(std::min(bytes / chip.l2_bytes, 1e6));
  return steep / (1 + steep);
}

double throttled(double compute, double throttle) {
  const double ratio = compute / kThrottleAfter;
  return compute * (1 + throttle * ratio * ratio / (1 + ratio * ratio));
}

double tile_seconds(const TileRates& rates, const Chip& chip, const Tiles& tiles,
                    double longest_row_keys) {
  if (tiles.count <= 0) return 0;
  const double work =
      rates.flops_each * tiles.row_keys / rates.flop_rate + tiles.count / chip.sms * rates.tile;
  const double longest =
      rates.flops_each * longest_row_keys / (rates.tile_rate / chip.sms) + rates.tile;
  return p_norm4(work, longest) + rates.tail * longest;
}

}  // namespace terrace::forms
