#include "calibrate/fitting/points.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "calibrate/fitting/assignments.hpp"
#include "sim/app/exit_code.hpp"
#include "sim/base/text.hpp"
#include "sim/config/node.hpp"
#include "sim/config/scalar.hpp"

namespace terrace::calibrate {
namespace {

using app::UsageError;

// Repeated measurements differ by 3 to 16 %, also between versions of an engine with the same
// kernels; what differs by more is not the same call.
constexpr double kContradiction = 1.5;

// Of a time in its unit: nothing that can be measured lies beyond.
constexpr double kLeast = 1e-15;
constexpr double kMost = 1e15;

}  // namespace

std::string_view PointTable::canonical(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kNames{
      {{"b", "batch"},
       {"kv", "kv_len"},
       {"s", "seq_len"},
       {"nh", "num_heads"},
       {"nkv", "num_kv_heads"},
       {"hd", "head_dim"},
       {"kv_dtype", "dtype"}}};
  for (const auto& [also, usual] : kNames) {
    if (name == also) return usual;
  }
  return name;
}

std::size_t PointTable::column(std::string_view wanted) const {
  const auto found = std::find(columns.begin(), columns.end(), canonical(wanted));
  return static_cast<std::size_t>(found - columns.begin());
}

double seconds_per(std::string_view unit) {
  if (unit == "s") return 1;
  if (unit == "ms") return 1e-3;
  if (unit == "us") return 1e-6;
  return unit == "ns" ? 1e-9 : 0;
}

void read_time(PointTable& table, Point& point, double unit) {
  const std::string& text = point.time.text;
  std::string lower;
  for (const char c : text) lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  if (const auto sign = lower.find_first_not_of("+-"); sign != std::string::npos) {
    const std::string_view word = std::string_view(lower).substr(sign);
    if (word.starts_with("nan") || word.starts_with("inf")) {
      table.texts->error(point.time.place, fmt::format("a time that is '{}'", text),
                         "drop the point: its measurement failed");
      return;
    }
  }
  const auto number = config::Scalar<double>::parse(text);
  if (!number.value) {
    table.texts->error(point.time.place, fmt::format("a time: {}", number.why));
  } else if (*number.value <= 0) {
    table.texts->error(point.time.place, fmt::format("a time of {}: no kernel takes that", text),
                       "drop the point: its measurement failed");
  } else if (*number.value < kLeast || *number.value > kMost) {
    table.texts->error(point.time.place,
                       fmt::format("a time of {}, not from {:g} to {:g}", text, kLeast, kMost));
  } else {
    point.seconds = *number.value * unit;
  }
}

PointTable read_points(const std::string& path, std::string_view family) {
  PointTable table;
  table.name = path;
  if (!path.ends_with(".json") && !path.ends_with(".csv")) {
    throw UsageError(fmt::format("--points takes a .csv or a .json file, not '{}'", path));
  }
  const std::string text = config::read_text_file(path);
  if (path.ends_with(".json")) {
    read_json_points(table, text, family);
  } else {
    read_csv_points(table, table.texts->add_source(path, text));
  }
  table.texts->raise();
  return table;
}

void keep_where(PointTable& table, std::string_view conditions) {
  for (const auto& [name, value] : assignments("where", conditions)) {
    const std::size_t column = table.column(name);
    if (column == table.columns.size()) {
      const std::vector<std::string_view> names(table.columns.begin(), table.columns.end());
      const auto near = closest(name, names);
      throw UsageError(fmt::format("--where: {} has no column '{}'; {}", table.name, name,
                                   near ? fmt::format("did you mean '{}'?", *near)
                                        : fmt::format("it has {}", fmt::join(names, ", "))));
    }
    std::map<std::string, std::size_t> values;
    for (const Point& point : table.points) ++values[point.cells[column].text];
    if (!values.contains(std::string(value))) {
      std::string all;
      for (const auto& [one, count] : values) all += (all.empty() ? "" : ", ") + one;
      throw UsageError(fmt::format("--where: no point{} has {}={}; there are {}",
                                   table.points.empty() ? "" : " left", name, value,
                                   all.size() > 200 ? all.substr(0, 200) + " ..." : all));
    }
    std::erase_if(table.points, [&, wanted = value](const Point& point) {
      return point.cells[column].text != wanted;
    });
  }
}

void check_contradictions(const PointTable& table) {
  std::map<std::vector<std::string_view>, const Point*> seen;
  for (const Point& point : table.points) {
    if (!point.ok) continue;
    std::vector<std::string_view> key;
    for (const Cell& cell : point.cells) key.emplace_back(cell.text);
    const auto [entry, fresh] = seen.emplace(std::move(key), &point);
    if (fresh) continue;
    const double ratio = point.seconds / entry->second->seconds;
    if (std::max(ratio, 1 / ratio) < kContradiction) continue;
    table.texts->error(
        point.time.place,
        fmt::format("the same call took {} there and {} here", entry->second->time.text,
                    point.time.text),
        fmt::format("the other is at {}; are these two machines, or two versions of an engine?",
                    config::to_string(entry->second->time.place)));
    if (table.texts->count() >= kMostMistakes) break;
  }
  table.texts->raise();
}

}  // namespace terrace::calibrate
