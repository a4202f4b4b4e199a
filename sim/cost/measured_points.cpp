#include "sim/cost/measured_points.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sim/base/check.hpp"
#include "sim/base/text.hpp"
#include "sim/config/diagnostics.hpp"

namespace terrace {
namespace {

constexpr double kShortestUs = 0.1;  // no kernel is faster
constexpr double kLongestUs = 1e7;   // no layer is slower

/// A table and what its columns hold.
class Table {
 public:
  Table(const std::filesystem::path& file, const MeasuredColumns& columns)
      : columns_(columns), source_(errors_.add_source(file.string(), text_of(file))) {
    TERRACE_CHECK(columns.texts.size() <= MeasuredPoint::kMostTexts);
    TERRACE_CHECK(columns.counts.size() <= MeasuredPoint::kMostCounts);
    if (source_.lines.empty()) fail_file("this table is empty");
    read_header();
  }

  std::vector<MeasuredPoint> points() {
    std::vector<MeasuredPoint> points;
    std::map<std::pair<decltype(MeasuredPoint::texts), decltype(MeasuredPoint::counts)>,
             std::size_t>
        seen;
    for (line_ = 1; line_ < source_.lines.size(); ++line_) {
      const std::vector<std::string_view> fields = split();
      if (fields.size() == 1 && fields[0].empty()) continue;
      if (fields.size() != width_) {
        fail(line(),
             fmt::format("this row has {} columns, but the header has {}", fields.size(), width_));
      }
      MeasuredPoint point;
      for (std::size_t i = 0; i < columns_.texts.size(); ++i) {
        point.texts[i] = word(fields[texts_[i]], columns_.texts[i]);
      }
      for (std::size_t i = 0; i < columns_.counts.size(); ++i) {
        point.counts[i] = count(fields[counts_[i]], columns_.counts[i]);
      }
      point.time = time(fields[time_]);
      const auto [first, fresh] = seen.try_emplace({point.texts, point.counts}, line_);
      if (!fresh) {
        fail(line(), fmt::format("line {} already has a time for this", first->second + 1),
             "keep one of them");
      }
      points.push_back(std::move(point));
    }
    if (points.empty()) fail_file("this table has no rows");
    return points;
  }

 private:
  static std::string text_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    if (in) text << in.rdbuf();
    // An empty file sets failbit of `text` alone.
    if (!in || in.bad()) {
      throw config::ConfigError(fmt::format("error: cannot read {}: {}\n", file.string(),
                                            std::generic_category().message(errno)));
    }
    std::string all = text.str();
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (all.starts_with(kByteOrderMark)) all.erase(0, kByteOrderMark.size());
    return all;
  }

  void read_header() {
    line_ = 0;
    std::vector<std::string_view> known(columns_.counts.begin(), columns_.counts.end());
    known.push_back(columns_.time);
    for (const TextColumn& column : columns_.texts) known.push_back(column.name);

    const std::vector<std::string_view> names = split();
    width_ = names.size();
    for (std::size_t i = 0; i < width_; ++i) {
      if (std::find(known.begin(), known.end(), names[i]) == known.end()) {
        const auto near = closest(names[i], known);
        fail(names[i], fmt::format("unknown column '{}'", names[i]),
             near ? fmt::format("did you mean '{}'?", *near)
                  : fmt::format("this table has {}", fmt::join(known, ", ")));
      }
      if (std::count(names.begin(), names.end(), names[i]) > 1) {
        fail(names[i], fmt::format("the column '{}' stands twice", names[i]));
      }
    }
    const auto place = [&](std::string_view name) {
      const auto found = std::find(names.begin(), names.end(), name);
      if (found == names.end())
        fail(line(), fmt::format("this header lacks the column '{}'", name));
      return static_cast<std::size_t>(found - names.begin());
    };
    for (const std::string_view name : columns_.counts) counts_.push_back(place(name));
    time_ = place(columns_.time);
    for (const TextColumn& column : columns_.texts) texts_.push_back(place(column.name));
  }

  [[nodiscard]] std::string_view line() const {
    const std::string_view line = source_.lines[line_];
    return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
  }

  [[nodiscard]] std::vector<std::string_view> split() const {
    std::vector<std::string_view> fields;
    for (std::string_view rest = line();;) {
      const auto comma = std::min(rest.find(','), rest.size());
      fields.push_back(rest.substr(0, comma));
      if (comma == rest.size()) return fields;
      rest.remove_prefix(comma + 1);
    }
  }

  std::string word(std::string_view text, const TextColumn& column) {
    if (text.empty()) fail(text, fmt::format("'{}' is empty", column.name));
    if (!column.values.empty() &&
        std::find(column.values.begin(), column.values.end(), text) == column.values.end()) {
      const auto near = closest(text, column.values);
      fail(text, fmt::format("unknown {} '{}'", column.name, text),
           near ? fmt::format("did you mean '{}'?", *near)
                : fmt::format("there are {}", fmt::join(column.values, ", ")));
    }
    return std::string(text);
  }

  std::int64_t count(std::string_view text, std::string_view column) {
    constexpr std::int64_t kMost = 1'000'000'000'000;
    std::int64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (stop != end || error != std::errc{} || value < columns_.least || value > kMost) {
      fail(text, fmt::format("{} '{}' is not a whole number from {} to {}", column, text,
                             columns_.least, kMost));
    }
    return value;
  }

  Duration time(std::string_view text) {
    double us = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, us);
    if (stop != end || error != std::errc{} || !std::isfinite(us)) {
      fail(text, fmt::format("{} '{}' is not a number", columns_.time, text));
    }
    if (us < kShortestUs || us > kLongestUs) {
      fail(text, fmt::format("no operation takes {} us", text),
           fmt::format("times are in microseconds, {} to {:.0f}", kShortestUs, kLongestUs));
    }
    return duration_from_seconds(us * 1e-6);
  }

  /// Throws ConfigError that points at `part`, a piece of the line.
  [[noreturn]] void fail(std::string_view part, std::string message, std::string hint = {}) {
    const auto column = part.data() - source_.lines[line_].data() + 1;
    errors_.error({&source_, static_cast<int>(line_ + 1), static_cast<int>(column), part.size()},
                  std::move(message), std::move(hint));
    errors_.raise();
    std::abort();  // not reached
  }

  [[noreturn]] void fail_file(const std::string& message) {
    throw config::ConfigError(fmt::format("{}: error: {}\n", source_.name, message));
  }

  const MeasuredColumns& columns_;
  config::Diagnostics errors_;
  const config::Source& source_;
  std::size_t line_ = 0;  // from zero
  std::size_t width_ = 0;
  // Columns.
  std::vector<std::size_t> texts_;
  std::vector<std::size_t> counts_;
  std::size_t time_ = 0;
};

}  // namespace

std::vector<MeasuredPoint> read_measured_points(const std::filesystem::path& file,
                                                const MeasuredColumns& columns) {
  return Table(file, columns).points();
}

}  // namespace terrace
