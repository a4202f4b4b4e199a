#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/units.hpp"

namespace terrace {

/// One measured time: of what, at which counts.
struct MeasuredPoint {
  static constexpr std::size_t kMostTexts = 2;
  static constexpr std::size_t kMostCounts = 5;

  std::array<std::string, kMostTexts> texts;
  std::array<std::int64_t, kMostCounts> counts{};
  Duration time{};
};

/// A column of words, one of `values` each; anything but nothing if these are empty.
struct TextColumn {
  std::string_view name;
  std::span<const std::string_view> values{};
};

/// The columns of a table of measured times: words, counts, and the time in microseconds.
struct MeasuredColumns {
  std::span<const TextColumn> texts;
  std::span<const std::string_view> counts;
  std::string_view time = "time_us";
  std::int64_t least = 0;  // that counts are
};

/// Reads such a table, a CSV file with just these columns in any order; its rows may come in any
/// order, too. Throws ConfigError with file:line:column at the first mistake: a file that cannot
/// be read, a column that is missing or unknown, a word that does not belong, a count that is no
/// whole number, a time that is no number or not within 0.1 us and 10 s (the unit is wrong), two
/// rows with the same words and counts, no rows at all. REQUIRES: at most kMostTexts and
/// kMostCounts.
std::vector<MeasuredPoint> read_measured_points(const std::filesystem::path& file,
                                                const MeasuredColumns& columns);

}  // namespace terrace
