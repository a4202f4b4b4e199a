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

/// One measured time: of which operation, at which counts.
struct MeasuredPoint {
  static constexpr std::size_t kMostCounts = 4;

  std::string operation;  // empty in tables without such a column
  std::array<std::int64_t, kMostCounts> counts{};
  Duration time{};
};

/// The columns of a table of measured times: `operation` unless that is empty, then the counts,
/// then time_us.
struct MeasuredColumns {
  std::string_view operation;
  std::span<const std::string_view> counts;
};

/// Reads such a table, a CSV file with just these columns in any order; its rows may come in any
/// order, too. Throws ConfigError with file:line:column at the first mistake: a file that cannot
/// be read, a column that is missing or unknown, a count that is no whole number, a time that is no
/// number or not within 0.1 us and 1 s (the unit is wrong), two rows with the same operation and
/// counts, no rows at all. REQUIRES: at most kMostCounts counts.
std::vector<MeasuredPoint> read_measured_points(const std::filesystem::path& file,
                                                const MeasuredColumns& columns);

}  // namespace terrace
