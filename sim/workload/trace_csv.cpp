#include "sim/workload/trace_csv.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace terrace {
namespace {

constexpr std::size_t kMostColumns = 1000;

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return text.substr(text.size());
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

}  // namespace

void CsvRow::split(const TraceLines& lines) {
  fields_.clear();
  unquoted_.clear();
  unquoted_.reserve(lines.line().size());  // so that views into it stay valid
  std::string_view rest = lines.line();
  for (;;) {
    const auto comma = std::min(rest.find(','), rest.size());
    const std::string_view field = trimmed(rest.substr(0, comma));
    if (field.starts_with('"')) {
      rest = quoted_field(lines, rest.substr(rest.find('"')));
    } else {
      fields_.push_back(field);
      rest.remove_prefix(comma);
    }
    if (rest.empty()) return;
    rest.remove_prefix(1);
    if (fields_.size() == kMostColumns) {
      lines.fail(rest.substr(0, 1), fmt::format("more than {} columns", kMostColumns));
    }
  }
}

/// Takes the field at the beginning of `text` and returns what follows it.
std::string_view CsvRow::quoted_field(const TraceLines& lines, std::string_view text) {
  const std::size_t begin = unquoted_.size();
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '"') {
      if (!text.substr(at + 1).starts_with('"')) {
        const std::string_view unquoted = unquoted_;
        fields_.push_back(unquoted.substr(begin));
        const std::string_view after = text.substr(at + 1);
        const auto comma = std::min(after.find(','), after.size());
        if (!trimmed(after.substr(0, comma)).empty()) {
          lines.fail(after.substr(0, 1), "expected ',' after a quoted field");
        }
        return after.substr(comma);
      }
      ++at;
    }
    unquoted_ += text[at];
  }
  lines.fail(text.substr(0, 1), "this quote is not closed on its line");
}

CsvColumns::CsvColumns(TraceLines& lines, const CsvTable& table)
    : lines_(lines), columns_(table.columns.size(), kNone) {
  if (!lines_.advance()) lines_.fail_file("this trace is empty");
  row_.split(lines_);
  width_ = row_.fields().size();
  for (std::size_t i = 0; i < width_; ++i) place(i, table);
  for (std::size_t column = 0; column < table.required; ++column) {
    if (has(column)) continue;
    const auto near = nearest_name(table.columns[column], row_.fields());
    lines_.fail(lines_.line(),
                fmt::format("{} traces have a column '{}', but this header does not", table.name,
                            table.columns[column]),
                near ? fmt::format("is {} meant to be it?", quoted(*near)) : "");
  }
}

/// Notes that column i of the trace is this one of the table.
void CsvColumns::place(std::size_t i, const CsvTable& table) {
  const std::string_view name = row_.fields()[i];
  const auto found = std::find(table.columns.begin(), table.columns.end(), name);
  if (found != table.columns.end()) {
    std::size_t& column = columns_[static_cast<std::size_t>(found - table.columns.begin())];
    if (column != kNone) lines_.fail(name, fmt::format("the column {} stands twice", quoted(name)));
    column = i;
  } else if (table.strict) {
    const auto near = nearest_name(name, table.columns);
    lines_.fail(name, fmt::format("unknown column {}", quoted(name)),
                near ? fmt::format("did you mean '{}'?", *near)
                     : fmt::format("known are {}", fmt::join(table.columns, ", ")));
  }
}

bool CsvColumns::next_row() {
  if (!lines_.advance()) return false;
  row_.split(lines_);
  if (row_.fields().size() == width_) return true;
  lines_.fail(lines_.line(), fmt::format("this row has {} columns, but the header has {}",
                                         row_.fields().size(), width_));
}

std::string_view CsvColumns::field(std::size_t column) const {
  return has(column) ? row_.fields()[columns_[column]] : std::string_view{};
}

Tokens CsvColumns::tokens(std::size_t column, std::int64_t least) const {
  const std::string_view text = field(column);
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (stop != end || error == std::errc::invalid_argument) {
    lines_.fail(text, fmt::format("{} is not a whole number of tokens", quoted(text)));
  }
  if (text.starts_with('-')) lines_.fail(text, fmt::format("{} is negative", quoted(text)));
  if (error != std::errc{} || value > kMostTraceTokens) {
    lines_.fail(text, fmt::format("{} is too large: at most {}", quoted(text), kMostTraceTokens));
  }
  if (value < least) {
    lines_.fail(text, fmt::format("{} tokens are too few: at least {}", quoted(text), least));
  }
  return Tokens{value};
}

}  // namespace terrace
