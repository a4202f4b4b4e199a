#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace terrace {

/// `points` capacities in blocks from `low` to `high`, at equal ratios but for rounding, each once.
/// From 0: 0 itself, and then from a 1024th of `high`. REQUIRES: 0 <= low <= high, 1 <= points.
std::vector<std::int64_t> geometric_capacities(std::int64_t low, std::int64_t high,
                                               std::int64_t points);

/// The knee of a curve over the logarithm of capacity: the point farthest above the chord from its
/// first point to its last, which is where Kneedle's difference curve is greatest (Satopaa et al.,
/// "Finding a 'kneedle' in a haystack", ICDCSW 2011). Capacity 0, which has no logarithm, is left
/// out. Nothing if no point lies above the chord. REQUIRES: as many hits as capacities, these
/// ascending.
std::optional<std::size_t> knee(std::span<const std::int64_t> capacities,
                                std::span<const double> hits);

/// The first point that reaches `part` of `achievable`.
std::optional<std::size_t> reaching(double part, double achievable, std::span<const double> hits);

}  // namespace terrace
