#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "calibrate/measuring/point.hpp"

namespace terrace::calibrate {

/// What a point says of what was done, by the names that tables of points have: whether it says "b"
/// or "batch", it is the batch.
class Shape {
 public:
  explicit Shape(const MeasuredPoint& point);

  [[nodiscard]] std::optional<double> number(std::string_view name) const;
  /// Empty if it does not say; numbers as they are written.
  [[nodiscard]] std::string text(std::string_view name) const;

  /// A number that the point has to have. Throws ConfigError.
  [[nodiscard]] double needed(std::string_view name) const;
  [[nodiscard]] std::int64_t count(std::string_view name) const;

 private:
  std::string id_;
  std::map<std::string, nlohmann::ordered_json, std::less<>> values_;
};

/// What the point took, in seconds. REQUIRES: a unit of time.
double seconds_of(const MeasuredPoint& point);

}  // namespace terrace::calibrate
