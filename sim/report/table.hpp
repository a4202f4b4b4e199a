#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace terrace {

constexpr std::size_t kReportWidth = 100;  // columns of a terminal

/// A table as aligned text: the first column to the left, all others to the right, two spaces
/// between them. What would be wider than kReportWidth is shortened in the first column.
class Table {
 public:
  explicit Table(std::vector<std::string> heads) : rows_{std::move(heads)} {}

  /// REQUIRES: as many cells as heads.
  void add(std::vector<std::string> cells);

  [[nodiscard]] std::size_t rows() const { return rows_.size() - 1; }

  /// Head and rows, a line each.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// Columns that UTF-8 text takes, one for each character.
[[nodiscard]] std::size_t columns_of(std::string_view text);

/// `label` and `text`, broken between words to fit kReportWidth, further lines indented like the
/// first; ends with a newline. A word that is too long is not broken.
[[nodiscard]] std::string paragraph(std::string_view label, std::string_view text);

}  // namespace terrace
