#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "calibrate/fitting/forms/adapter.hpp"
#include "calibrate/profile/comparison.hpp"
#include "calibrate/profile/shape.hpp"
#include "sim/config/scalar.hpp"

namespace terrace::calibrate {
namespace {

constexpr double kFarthest = 4;  // between two points of a table that are interpolated

/// Along which tables are interpolated, the first that the kernel has.
constexpr std::string_view kLengths[] = {"m", "seq_len", "kv_len", "bytes"};
/// What a call has besides the columns of its kernel; zero if it does not say.
constexpr std::string_view kBesides[] = {"prefix", "window"};

bool has(const PointTable& table, std::string_view column) {
  return table.column(column) < table.columns.size();
}

/// The kernel whose columns the table has; of several, that with most.
const Adapter& adapter_of_table(const PointTable& table) {
  const Adapter* best = nullptr;
  for (const Adapter& adapter : adapters()) {
    const bool all = std::all_of(adapter.columns.begin(), adapter.columns.end(),
                                 [&](const Column& column) { return has(table, column.name); });
    if (all && (best == nullptr || adapter.columns.size() > best->columns.size())) best = &adapter;
  }
  if (best != nullptr) return *best;
  throw config::ConfigError(fmt::format(
      "{}: error: its columns are those of no kernel: {}; 'terrace calibrate fit --help' tells "
      "them\n",
      table.name, fmt::join(table.columns, ", ")));
}

/// A call without its length: "16|128|bf16".
using Key = std::string;

/// The times of a table by shape, then by length.
class Times {
 public:
  Times(const PointTable& table, const Adapter& adapter) : adapter_(adapter) {
    for (const std::string_view name : kLengths) {
      const auto among = [&](const Column& column) { return column.name == name; };
      if (std::none_of(adapter.columns.begin(), adapter.columns.end(), among)) continue;
      length_ = name;
      break;
    }
    for (const Point& point : table.points) {
      if (!point.ok) continue;
      const auto text = [&](std::string_view column) {
        return has(table, column) ? point.cells[table.column(column)].text : std::string();
      };
      const auto length = config::Scalar<double>::parse(text(length_)).value;
      if (length) times_[key_of(text)].emplace(*length, point.seconds);
    }
  }

  struct Found {
    double seconds = 0;
    bool interpolated = false;
  };

  [[nodiscard]] std::optional<Found> find(const Shape& shape) const {
    const auto text = [&](std::string_view column) { return shape.text(column); };
    const auto entry = times_.find(key_of(text));
    const auto length = shape.number(length_);
    if (entry == times_.end() || !length) return std::nullopt;
    const auto& by_length = entry->second;
    const auto above = by_length.lower_bound(*length);
    if (above != by_length.end() && above->first == *length) return Found{above->second, false};
    if (above == by_length.begin() || above == by_length.end()) return std::nullopt;
    const auto below = std::prev(above);
    if (above->first > kFarthest * below->first) return std::nullopt;
    const double way = std::log(*length / below->first) / std::log(above->first / below->first);
    return Found{std::exp(std::log(below->second) + way * std::log(above->second / below->second)),
                 true};
  }

 private:
  template <class Text>
  [[nodiscard]] Key key_of(const Text& text) const {
    const auto number = [](const std::string& word) {
      const auto value = config::Scalar<double>::parse(word).value;
      return value ? fmt::format("{}", *value) : word;
    };
    Key key;
    for (const Column& column : adapter_.columns) {
      if (column.name != length_) key += number(text(column.name)) + "|";
    }
    for (const std::string_view besides : kBesides) {
      const std::string word = text(besides);
      key += number(word.empty() ? "0" : word) + "|";
    }
    return adapter_.typed ? key + text("dtype") : key;
  }

  const Adapter& adapter_;
  std::string_view length_;
  std::map<Key, std::map<double, double>> times_;
};

}  // namespace

Comparison compare(const ProfiledRun& run, const PointTable& table, bool table_is_a) {
  const Adapter& adapter = adapter_of_table(table);
  const Times times(table, adapter);
  Comparison all;
  std::vector<std::string>& only_run = table_is_a ? all.only_b : all.only_a;
  for (const MeasuredPoint* point : points_of(run.run, adapter.family)) {
    if (point->cache == "hot") continue;  // tables are of operands in memory
    const Shape shape(*point);
    // Nor of ragged batches, nor of products without what quantises their tokens.
    const bool other = shape.text("ragged") == "true" || !shape.text("activations").empty();
    const auto found = other ? std::nullopt : times.find(shape);
    if (!found) {
      only_run.push_back(point->id);
      continue;
    }
    const double ours = point->sample.median;
    const double theirs = found->seconds / seconds_per(point->unit);
    const double a = table_is_a ? theirs : ours;
    const double b = table_is_a ? ours : theirs;
    all.pairs.push_back({point->id, point->family, regime_of(run.profile, *point), point->unit, a,
                         b, b / a, found->interpolated});
  }
  all.ratios = ratios_of(all.pairs);
  return all;
}

}  // namespace terrace::calibrate
