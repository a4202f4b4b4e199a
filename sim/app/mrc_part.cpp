#include "sim/app/mrc_part.hpp"

#include <algorithm>

#include "sim/study/mrc/capacity_axis.hpp"

namespace terrace::app {

MrcPart::MrcPart(const MrcReport& report, const MrcReport::Tier& of_tier, const MrcCurve& of_curve)
    : tier_(of_tier), curve_(of_curve), totals_(report.mrc.totals) {
  const std::vector<std::int64_t>& all = report.capacities;
  for (const std::int64_t capacity : tier_.capacities) {
    const auto at = std::lower_bound(all.begin(), all.end(), capacity);
    points_.push_back(curve_.points[static_cast<std::size_t>(at - all.begin())]);
    if (points_.back()) usable_.push_back(usable_tokens(points_.back()->hits));
  }
}

double MrcPart::usable_tokens(const HitCounts& hits) const {
  return ratio(hits.usable_tokens.count(), totals_.prompt.count());
}

std::optional<std::size_t> MrcPart::knee_at() const {
  if (usable_.size() != points_.size()) return std::nullopt;
  return knee(tier_.capacities, usable_);
}

std::optional<std::size_t> MrcPart::reaches(double part_of_best) const {
  if (usable_.size() != points_.size()) return std::nullopt;
  return reaching(part_of_best, best(), usable_);
}

std::vector<MrcPart> parts_of(const MrcReport& report, const MrcReport::Tier& tier) {
  std::vector<MrcPart> parts;
  for (const MrcCurve& curve : report.mrc.curves) parts.emplace_back(report, tier, curve);
  return parts;
}

double ratio(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

std::string_view name_of(MrcMethod method) {
  switch (method) {
    case MrcMethod::exact:
      return "exact";
    case MrcMethod::shards:
      return "shards";
    case MrcMethod::replay:
      return "replay";
  }
  return "";
}

Bytes bytes_of(const MrcReport& report, std::int64_t blocks) {
  return report.bytes_per_block * blocks;
}

}  // namespace terrace::app
