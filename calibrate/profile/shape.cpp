#include "calibrate/profile/shape.hpp"

#include <cmath>

#include <fmt/format.h>

#include "calibrate/fitting/points.hpp"
#include "sim/config/diagnostics.hpp"

namespace terrace::calibrate {

Shape::Shape(const MeasuredPoint& point) : id_(point.id) {
  for (const auto& [name, value] : point.x.items()) {
    values_[std::string(PointTable::canonical(name))] = value;
  }
}

std::optional<double> Shape::number(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end() || !found->second.is_number()) return std::nullopt;
  return found->second.get<double>();
}

std::string Shape::text(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return {};
  return found->second.is_string() ? found->second.get<std::string>() : found->second.dump();
}

double Shape::needed(std::string_view name) const {
  if (const auto value = number(name); value && std::isfinite(*value)) return *value;
  throw config::ConfigError(fmt::format("{}: error: the point does not say its '{}'\n", id_, name));
}

std::int64_t Shape::count(std::string_view name) const { return std::llround(needed(name)); }

double seconds_of(const MeasuredPoint& point) {
  return point.sample.median * seconds_per(point.unit);
}

}  // namespace terrace::calibrate
