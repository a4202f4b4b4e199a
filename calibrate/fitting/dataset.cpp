#include "calibrate/fitting/dataset.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "calibrate/fitting/least_squares.hpp"
#include "sim/base/text.hpp"
#include "sim/config/scalar.hpp"
#include "sim/cost/kernel_profile.hpp"

namespace terrace::calibrate {
namespace {

void check_column(const PointTable& table, std::string_view name) {
  if (table.column(name) != table.columns.size()) return;
  const std::vector<std::string_view> names(table.columns.begin(), table.columns.end());
  const auto near = closest(name, names);
  throw config::ConfigError(
      fmt::format("{}: error: no column '{}'; {}", table.name, name,
                  near ? fmt::format("is it '{}'?", *near)
                       : fmt::format("there are: {}", fmt::join(names, ", "))));
}

void check_number(const PointTable& table, const Point& point, const Column& wanted) {
  const Cell& cell = point.cells[table.column(wanted.name)];
  const auto number = config::Scalar<double>::parse(cell.text);
  if (!number.value) {
    table.texts->error(cell.place, fmt::format("{}: {}", wanted.name,
                                               cell.text.empty() ? "nothing there" : number.why));
  } else if (*number.value < wanted.least || *number.value != std::floor(*number.value)) {
    table.texts->error(cell.place, fmt::format("{}: '{}' is not a whole number from {} on",
                                               wanted.name, cell.text, wanted.least));
  }
}

void check_columns(const PointTable& table, const Adapter& adapter) {
  if (adapter.typed) check_column(table, "dtype");
  if (!adapter.only.empty()) check_column(table, adapter.only);
  for (const Column& column : adapter.columns) check_column(table, column.name);
  for (const Point& point : table.points) {
    if (!point.ok) continue;
    for (const Column& column : adapter.columns) check_number(table, point, column);
    if (table.texts->count() >= kMostMistakes) break;
  }
  table.texts->raise();
}

/// What all points have in the column.
std::string_view only_value(const PointTable& table, std::string_view column) {
  std::set<std::string_view> values;
  for (const Point& point : table.points) values.emplace(point.cells[table.column(column)].text);
  if (values.size() == 1) return *values.begin();
  throw config::ConfigError(
      fmt::format("{}: error: points with {} {}: fit one at a time, as with --where '{}={}'",
                  table.name, column, fmt::join(values, ", "), column, *values.begin()));
}

DType only_dtype(const PointTable& table) {
  const std::string_view dtype = only_value(table, "dtype");
  const auto type = config::Scalar<DType>::parse(dtype);
  if (type.value) return *type.value;
  throw config::ConfigError(fmt::format("{}: error: profiles know no dtype '{}', only {}",
                                        table.name, dtype, "bf16, fp16, fp8, int8, int4"));
}

}  // namespace

forms::Chip chip_of(const GpuSpec& gpu, const std::string& name) {
  if (gpu.sms > 0 && gpu.l2 > Bytes{}) return terrace::chip_of(gpu);
  throw config::ConfigError(
      fmt::format("{}: error: fits need 'sms' and 'l2' of the GPU; add them to its profile", name));
}

std::size_t fewest_points(const Adapter& adapter) {
  constexpr std::size_t kPerParameter = 3;
  return kPerParameter * adapter.parameters.size();
}

Dataset prepare(const PointTable& table, const Adapter& adapter, const forms::Chip& chip) {
  if (table.points.empty()) {
    throw config::ConfigError(fmt::format("{}: error: no points", table.name));
  }
  check_columns(table, adapter);
  check_contradictions(table);

  Dataset data;
  if (adapter.typed) data.dtype = only_dtype(table);
  if (!adapter.only.empty()) {
    const std::string_view value = only_value(table, adapter.only);
    data.only = std::lround(*config::Scalar<double>::parse(value).value);
  }

  data.cases = adapter.cases(chip);
  std::map<std::vector<double>, std::uint32_t> groups;
  std::vector<std::vector<double>> keys;
  for (const Point& point : table.points) {
    if (!point.ok) {
      ++data.left_out["not ok, by their own account"];
      continue;
    }
    const Row row(table, point);
    const Cases::Added added = data.cases->add(row);
    if (!added.left_out.empty()) {
      ++data.left_out[std::string(added.left_out)];
      continue;
    }
    data.points.push_back(&point);
    data.measured.push_back(point.seconds);
    data.weights.push_back(weight_of(point.spread));
    data.regime.push_back(static_cast<std::uint32_t>(added.regime));
    data.work.push_back(added.work);
    std::vector<double> key;
    for (const std::string_view column : adapter.group) key.push_back(row.number(column));
    groups.emplace(key, 0);
    keys.push_back(std::move(key));
  }
  for (auto& [key, index] : groups) index = data.groups++;
  for (const auto& key : keys) data.group.push_back(groups.at(key));

  const std::size_t least = fewest_points(adapter);
  if (data.points.size() < least) {
    std::string why;
    for (const auto& [reason, count] : data.left_out) why += fmt::format("; {}: {}", reason, count);
    throw config::ConfigError(
        fmt::format("{}: error: {} points for the {} parameters of '{}': it takes {} at least{}",
                    table.name, data.points.size(), adapter.parameters.size(), adapter.form, least,
                    why.empty() ? "" : " (left out" + why + ")"));
  }
  return data;
}

}  // namespace terrace::calibrate
