#include "calibrate/fitting/table_errors.hpp"

#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "calibrate/fitting/errors.hpp"
#include "sim/config/scalar.hpp"
#include "sim/cost/forms/decode.hpp"
#include "sim/cost/forms/gemm.hpp"
#include "sim/cost/forms/mla.hpp"
#include "sim/cost/forms/mla_decode.hpp"

namespace terrace::calibrate {
namespace {

using Point = ResidualTable::Point;
using Without = ResidualTable::Without;

constexpr double kColdFrom = 1.3;  // KV over L2: less stays in it between replays
constexpr Duration kLong = std::chrono::microseconds(100);

/// Two regimes of a table, called as calibrate/fitting/forms/ does, and which one a point is of.
struct Regimes {
  std::array<std::string_view, 2> names;
  std::vector<std::uint32_t> of_point;
};

double kv_bytes(const KernelTables::Table& table, const Point& point) {
  const double elements = table.form == forms::MlaDecode::kName
                              ? forms::kMlaRow
                              : 2 * static_cast<double>(table.head_dim.value_or(0));
  return point.call[0] * point.call[1] * elements * bytes_per_element(table.dtype);
}

Regimes regimes_of(const KernelTables::Table& table, const forms::Chip& chip) {
  const std::span<const Point> points = table.residuals.points();
  const auto split = [&](std::string_view first, std::string_view second, auto&& in_second) {
    Regimes regimes{{first, second}, {}};
    for (std::size_t i = 0; i < points.size(); ++i) {
      regimes.of_point.push_back(in_second(i) ? 1U : 0U);
    }
    return regimes;
  };
  if (table.form == forms::Gemm::kName) {
    return split("n or k < 1024", "n, k >= 1024", [&](std::size_t i) {
      return points[i].shape[0] >= 1024 && points[i].shape[1] >= 1024;
    });
  }
  if (table.form == forms::Decode::kName || table.form == forms::MlaDecode::kName) {
    return split(
        table.form == forms::Decode::kName ? "KV <= 1.3 L2" : "KV in L2", "KV > 1.3 L2",
        [&](std::size_t i) { return kv_bytes(table, points[i]) > kColdFrom * chip.l2_bytes; });
  }
  return split("below 100 us", "from 100 us",
               [&](std::size_t i) { return table.measured[i] >= kLong; });
}

std::string name_of(const KernelTables::Table& table) {
  return fmt::format("{} {}{}", table.form, config::Scalar<DType>::format(table.dtype),
                     table.head_dim ? fmt::format(", head_dim {}", *table.head_dim) : "");
}

/// What cross-validation found of the fit over the regime; none if the profile does not say.
std::optional<Spread> unseen(const KernelProfile& profile, const KernelFit& key,
                             std::string_view regime) {
  for (const KernelFit& fit : profile.fits) {
    if (!fit.same_key(key)) continue;
    for (const RegimeError& e : fit.errors) {
      if (e.regime == regime && e.cv_median && e.cv_p90) return Spread{*e.cv_median, *e.cv_p90};
    }
  }
  return {};
}

/// Of one table: all, then by regime.
void add(const KernelTables::Table& table, const KernelProfile& profile, const forms::Chip& chip,
         std::vector<TableErrors>& all) {
  std::vector<double> measured;
  std::vector<double> by_law;
  std::vector<double> no_point;
  std::vector<double> no_shape;
  const std::span<const Point> places = table.residuals.points();
  const bool one_shape = places.front().shape == places.back().shape;
  for (std::size_t i = 0; i < table.measured.size(); ++i) {
    const Point& point = places[i];
    const auto without = [&](Without what) {
      return by_law.back() * std::exp(table.residuals.estimate(point.shape, point.call, what));
    };
    measured.push_back(seconds(table.measured[i]));
    by_law.push_back(measured.back() / std::exp(point.residual));
    no_point.push_back(without(Without::point));
    if (!one_shape) no_shape.push_back(without(Without::shape));
  }
  const Regimes regimes = regimes_of(table, chip);
  const auto points = errors_by_regime(measured, by_law, no_point, regimes.of_point, regimes.names);
  const auto shapes = errors_by_regime(measured, by_law, one_shape ? no_point : no_shape,
                                       regimes.of_point, regimes.names);
  KernelFit key;
  key.form.text = table.form;
  key.dtype = table.dtype;
  key.head_dim = table.head_dim;
  for (std::size_t r = 0; r < points.size(); ++r) {
    all.push_back({name_of(table),
                   points[r].regime,
                   points[r].points,
                   Spread{points[r].median, points[r].p90},
                   unseen(profile, key, points[r].regime),
                   Spread{*points[r].cv_median, *points[r].cv_p90},
                   {}});
    if (!one_shape) all.back().shape = Spread{*shapes[r].cv_median, *shapes[r].cv_p90};
  }
}

std::string_view name_of(Collective op) {
  switch (op) {
    case Collective::all_reduce:
      return "all_reduce";
    case Collective::all_gather:
      return "all_gather";
    case Collective::reduce_scatter:
      return "reduce_scatter";
    case Collective::send:
      return "send";
  }
  return "";
}

}  // namespace

std::vector<TableErrors> table_errors(const KernelTables& tables, const KernelProfile& profile,
                                      const forms::Chip& chip) {
  std::vector<TableErrors> all;
  for (const KernelTables::Table& table : tables.tables()) {
    if (table.measured.size() > 1) add(table, profile, chip, all);
  }
  for (const auto& [key, table] : tables.collectives()) {
    std::vector<double> measured;
    std::vector<double> predicted;
    for (std::size_t i = 1; i + 1 < table.points().size(); ++i) {
      std::vector<CollectiveTable::Point> others(table.points().begin(), table.points().end());
      others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
      measured.push_back(seconds(table.points()[i].time));
      predicted.push_back(
          seconds(CollectiveTable(std::move(others)).at(table.points()[i].bytes).time));
    }
    if (measured.empty()) continue;
    const RegimeError error = errors_by_regime(measured, predicted, {}, {}, {}).front();
    KernelFit law;
    law.form.text = name_of(key.first);
    law.gpus = key.second;
    all.push_back({fmt::format("{}, {} GPUs", name_of(key.first), key.second),
                   error.regime,
                   error.points,
                   {},
                   unseen(profile, law, error.regime),
                   Spread{error.median, error.p90},
                   {}});
  }
  return all;
}

}  // namespace terrace::calibrate
