#include <algorithm>

#include <fmt/format.h>

#include "calibrate/fitting/points.hpp"
#include "sim/base/text.hpp"

namespace terrace::calibrate {
namespace {

constexpr std::string_view kTime = "latency_";

/// The fields of a line, without blanks and quotes around them.
std::vector<Cell> fields(const config::Source& source, std::size_t line) {
  const std::string& text = source.lines[line];
  std::vector<Cell> all;
  for (std::size_t begin = 0; begin <= text.size();) {
    std::size_t end = text.find(',', begin);
    const std::size_t quote = text.find_first_not_of(' ', begin);
    const bool quoted = quote != std::string::npos && text[quote] == '"';
    if (quoted) end = text.find(',', std::min(text.find('"', quote + 1), text.size()));
    end = std::min(end, text.size());
    std::size_t first = begin;
    std::size_t last = end;
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '"'; };
    while (first < last && blank(text[first])) ++first;
    while (last > first && blank(text[last - 1])) --last;
    all.push_back({text.substr(first, last - first),
                   {&source, static_cast<int>(line) + 1, static_cast<int>(first) + 1,
                    std::max<std::size_t>(1, last - first)}});
    begin = end + 1;
  }
  return all;
}

bool blank_line(const std::string& line) {
  return line.find_first_not_of(" \t\r") == std::string::npos;
}

/// The column that holds the times and the seconds of its unit; reports what is wrong otherwise.
std::pair<std::size_t, double> time_column(const std::vector<Cell>& head,
                                           config::Diagnostics& errors) {
  std::pair<std::size_t, double> found{head.size(), 0};
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (!head[i].text.starts_with(kTime)) continue;
    const double unit = seconds_per(std::string_view(head[i].text).substr(kTime.size()));
    if (unit == 0) {
      errors.error(head[i].place, fmt::format("'{}' is no time", head[i].text),
                   "use latency_us, latency_ns, latency_ms or latency_s");
    } else if (found.first != head.size()) {
      errors.error(head[i].place, fmt::format("two columns hold times: '{}' and '{}'",
                                              head[found.first].text, head[i].text));
    }
    found = {i, unit};
  }
  if (found.first == head.size()) {
    std::vector<std::string_view> names;
    for (const Cell& cell : head) names.emplace_back(cell.text);
    const auto near = closest("latency_us", names);
    errors.error(head.front().place, "no column 'latency_us' holds the times",
                 near ? fmt::format("is it '{}'?", *near) : "");
  }
  return found;
}

}  // namespace

void read_csv_points(PointTable& table, const config::Source& source) {
  config::Diagnostics& errors = *table.texts;
  std::size_t line = 0;
  while (line < source.lines.size() && blank_line(source.lines[line])) ++line;
  if (line == source.lines.size()) {
    errors.error({&source, 1, 1, 1}, "an empty file", "its first line names the columns");
    return;
  }
  std::vector<Cell> head = fields(source, line);
  if (head.front().text.starts_with("\xef\xbb\xbf")) head.front().text.erase(0, 3);
  const auto [time, unit] = time_column(head, errors);
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (i == time) continue;
    std::string name(PointTable::canonical(head[i].text));
    if (table.column(name) != table.columns.size()) {
      errors.error(head[i].place, fmt::format("a second column '{}'", head[i].text));
    }
    table.columns.push_back(std::move(name));
  }
  if (!errors.ok()) return;

  while (++line < source.lines.size() && errors.count() < kMostMistakes) {
    if (blank_line(source.lines[line])) continue;
    std::vector<Cell> cells = fields(source, line);
    if (cells.size() != head.size()) {
      errors.error(cells.front().place,
                   fmt::format("{} fields where the header has {}", cells.size(), head.size()));
      continue;
    }
    Point point;
    const auto at = cells.begin() + static_cast<std::ptrdiff_t>(time);
    point.time = std::move(*at);
    cells.erase(at);
    point.cells = std::move(cells);
    read_time(table, point, unit);
    table.points.push_back(std::move(point));
  }
}

}  // namespace terrace::calibrate
