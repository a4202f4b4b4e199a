#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/config/scalar.hpp"

namespace terrace {

/// A range as it is written, FIRST..LAST xFACTOR or FIRST..LAST +STEP, taken apart: the one way to
/// write ranges, wherever there are any. The blank before the step may be left out.
struct RangeText {
  std::string_view first;
  std::string_view last;
  char how = 0;           // 'x' or '+'; neither: it has no step
  std::string_view step;  // without its sign
};

/// Nothing if it is no range, or one that lacks an end or what belongs behind x or +.
std::optional<RangeText> split_range(std::string_view text);

constexpr std::size_t kMostValues = 10'000;  // of a range

/// Numbers of one kind, in base units, and how each number between them is written in a file: in
/// the unit of both ends, if that is one.
struct NumberRange {
  std::vector<double> values;
  std::function<std::string(double)> text;
  std::function<double(double)> rounded;  // to five digits in that unit, easier to read
};

/// "1GiB..8GiB x2" is 1 GiB, 2 GiB, 4 GiB, 8 GiB; "4..64 +20" is 4, 24, 44, 64. The end belongs to
/// it if it is hit. Both ends and a step that is added have units as in a scenario, all of one
/// kind. Without a step, if `points` is not 0, it has so many values, both ends among them: at
/// equal ratios if the ends are far apart, else at equal distances, rounded. REQUIRES: points != 1.
config::Parsed<NumberRange> read_range(std::string_view text, std::size_t points = 0);

/// The values of a range as texts.
config::Parsed<std::vector<std::string>> expand_range(std::string_view text);

}  // namespace terrace
