#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/config/diagnostics.hpp"

namespace terrace::calibrate {

constexpr std::size_t kMostMistakes = 20;  // of one kind; more help nobody

/// A value as the file has it, and where.
struct Cell {
  std::string text;
  config::Place place;
};

/// A measured call of a kernel.
struct Point {
  std::vector<Cell> cells;  // by column
  Cell time;                // as written
  double seconds = 0;       // the same, read
  double spread = 0;        // (P90 - P10) / median of its batches; 0 if the file does not say
  bool ok = true;           // whether the measurement says so itself
};

/// Measured calls of kernels, all with the same columns, and the text that they came from.
///
/// Columns have one name each, whatever the file calls them: batch (b), kv_len (kv), seq_len (s),
/// num_heads (nh), num_kv_heads (nkv), head_dim (hd), dtype (kv_dtype).
struct PointTable {
  std::unique_ptr<config::Diagnostics> texts = std::make_unique<config::Diagnostics>();
  std::string name;  // of the file
  std::vector<std::string> columns;
  std::vector<Point> points;

  /// The index of the column, or columns.size().
  [[nodiscard]] std::size_t column(std::string_view name) const;

  /// What the column is called here, whatever the user calls it.
  static std::string_view canonical(std::string_view name);
};

/// Reads a table: `.csv` with a header and a column `latency_us` (or _ns, _ms, _s), or `.json` as
/// calibration writes it, of which only points of `family` count. Times have to be positive and
/// finite. Throws ConfigError with every mistake, each with file:line:column.
PointTable read_points(const std::string& path, std::string_view family);

/// Keeps the points that `conditions`, such as "dtype=bf16,head_dim=128", are true of.
/// Throws UsageError about a column that is not there, or a value that no point has.
void keep_where(PointTable& table, std::string_view conditions);

/// Reports points that are the same call with times too far apart to be the same measurement.
/// Throws ConfigError.
void check_contradictions(const PointTable& table);

// Parts of read_points().
void read_csv_points(PointTable& table, const config::Source& source);
void read_json_points(PointTable& table, std::string_view text, std::string_view family);

/// Seconds of one `unit` ("us"), or 0 if it is not a unit of time.
double seconds_per(std::string_view unit);

/// Reads point.time, in `unit` seconds each, or reports what is wrong with it.
void read_time(PointTable& table, Point& point, double unit);

}  // namespace terrace::calibrate
