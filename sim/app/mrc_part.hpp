#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "sim/app/mrc_report.hpp"

namespace terrace::app {

/// Parts of what an infinite cache hits, for which a report says where they are reached.
inline constexpr std::array kShares = {0.5, 0.8, 0.9, 0.95};

/// What one curve says at the capacities of one tier.
class MrcPart {
 public:
  using Point = std::optional<MrcCurve::Point>;

  /// Both outlive it.
  MrcPart(const MrcReport& report, const MrcReport::Tier& of_tier, const MrcCurve& of_curve);

  [[nodiscard]] const MrcCurve& curve() const { return curve_; }
  [[nodiscard]] const std::vector<std::int64_t>& capacities() const { return tier_.capacities; }
  [[nodiscard]] const std::vector<Point>& points() const { return points_; }

  /// Usable hits in tokens, in parts of all prompt tokens, and what an infinite cache has of them.
  [[nodiscard]] double usable_tokens(const HitCounts& hits) const;
  [[nodiscard]] double best() const { return usable_tokens(totals_.achievable); }

  /// Indices of capacities; nothing if there is no such, or if not all points are there.
  [[nodiscard]] std::optional<std::size_t> knee_at() const;
  [[nodiscard]] std::optional<std::size_t> reaches(double part_of_best) const;

 private:
  const MrcReport::Tier& tier_;
  const MrcCurve& curve_;
  const StreamTotals& totals_;
  std::vector<Point> points_;
  std::vector<double> usable_;  // of the points that are there
};

std::vector<MrcPart> parts_of(const MrcReport& report, const MrcReport::Tier& tier);

/// part / whole, and 0 of nothing.
double ratio(std::int64_t part, std::int64_t whole);

std::string_view name_of(MrcMethod method);

Bytes bytes_of(const MrcReport& report, std::int64_t blocks);

}  // namespace terrace::app
