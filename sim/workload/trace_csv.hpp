#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/workload/trace_reader.hpp"

namespace terrace {

/// The columns that a CSV format knows.
struct CsvTable {
  std::string_view name;  // of the format
  std::span<const std::string_view> columns;
  std::size_t required;  // the first so many have to be there
  bool strict;           // there may be no others
};

/// One line as fields, without the blanks around them. A field may stand in quotes, its own quotes
/// doubled, and may then hold a comma but not the end of the line.
class CsvRow {
 public:
  /// Throws ConfigError at a quote out of place.
  void split(const TraceLines& lines);

  /// Valid until the next split.
  [[nodiscard]] const std::vector<std::string_view>& fields() const { return fields_; }

 private:
  std::string_view quoted_field(const TraceLines& lines, std::string_view text);

  std::vector<std::string_view> fields_;
  std::string unquoted_;
};

/// What all CSV formats share: a header that names the columns in any order, and rows that fit it.
class CsvColumns {
 public:
  /// Takes the header. `lines` stands before it, and outlives this.
  CsvColumns(TraceLines& lines, const CsvTable& table);

  /// Moves to the next row, or returns false at the end.
  bool next_row();

  /// Whether the trace has this column of the table.
  [[nodiscard]] bool has(std::size_t column) const { return columns_[column] != kNone; }

  /// What the row has in this column of the table; empty without such a column.
  [[nodiscard]] std::string_view field(std::size_t column) const;

  /// The same as a number of tokens, `least` or more.
  [[nodiscard]] Tokens tokens(std::size_t column, std::int64_t least) const;

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  void place(std::size_t i, const CsvTable& table);

  TraceLines& lines_;
  CsvRow row_;
  std::size_t width_ = 0;
  std::vector<std::size_t> columns_;  // of the table -> of the trace
};

/// A reader of traces whose rows are read by such columns.
class CsvReader : public TraceReader {
 protected:
  CsvReader(TraceLines lines, TraceContent content, const CsvTable& table)
      : TraceReader(std::move(lines), content), columns_(lines_, table) {}

  bool next_row() { return columns_.next_row(); }
  [[nodiscard]] bool has(std::size_t column) const { return columns_.has(column); }
  [[nodiscard]] std::string_view field(std::size_t column) const { return columns_.field(column); }
  [[nodiscard]] Tokens tokens(std::size_t column, std::int64_t least) const {
    return columns_.tokens(column, least);
  }

 private:
  CsvColumns columns_;
};

}  // namespace terrace
