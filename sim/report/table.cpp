#include "sim/report/table.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kShortest = 8;  // that a first column is cut down to
constexpr std::string_view kCut = "..";

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

/// The first `columns` characters.
std::string_view cut(std::string_view text, std::size_t columns) {
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size(); ++end) {
    if (begins_character(text[end]) && ++seen > columns) break;
  }
  return text.substr(0, end);
}

std::string shortened(const std::string& text, std::size_t columns) {
  if (columns_of(text) <= columns) return text;
  return std::string(cut(text, columns - kCut.size())) + std::string(kCut);
}

}  // namespace

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

void Table::add(std::vector<std::string> cells) {
  TERRACE_CHECK(cells.size() == rows_.front().size());
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], columns_of(row[i]));
    }
  }
  std::size_t others = 0;
  for (std::size_t i = 1; i < widths.size(); ++i) others += widths[i] + kGap;
  const std::size_t room = kReportWidth > others ? kReportWidth - others : 0;
  widths[0] = std::min(widths[0], std::max(room, kShortest));

  std::string text;
  for (const auto& row : rows_) {
    std::string line = shortened(row[0], widths[0]);
    line.append(widths[0] - columns_of(line), ' ');
    for (std::size_t i = 1; i < row.size(); ++i) {
      line.append(kGap + widths[i] - columns_of(row[i]), ' ');
      line += row[i];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

std::string paragraph(std::string_view label, std::string_view text) {
  std::string all;
  std::string line(label);
  const std::string indent(columns_of(label), ' ');
  bool fresh = true;  // nothing but label or indent on this line
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!fresh && columns_of(line) + 1 + columns_of(word) > kReportWidth) {
      all += line + '\n';
      line = indent;
      fresh = true;
    }
    if (!fresh) line += ' ';
    line += word;
    fresh = false;
  }
  return all + line + '\n';
}

}  // namespace terrace
