#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "calibrate/fitting/points.hpp"
#include "calibrate/profile/profile_report.hpp"
#include "calibrate/profile/shape.hpp"
#include "sim/report/csv.hpp"
#include "sim/report/output_file.hpp"
#include "sim/report/scatter_plot.hpp"

namespace terrace::calibrate {
namespace {

namespace fs = std::filesystem;

/// A name that is one on every file system: "gemm-roofline".
std::string file_name(const FamilyFit& fit) {
  std::string name;
  for (const char c : fit.family + "-" + fit.law) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
    if (plain) {
      name += c;
    } else if (!name.ends_with('-')) {
      name += '-';
    }
  }
  return name;
}

/// What a value in that unit is in `unit`; a time becomes the rate of the command's bytes.
double in_unit(const MeasuredPoint& point, double value, const std::string& unit) {
  if (point.unit == unit) return value;
  return 1e-9 * Shape(point).needed("io") / (value * seconds_per(point.unit));
}

/// The unit of all points; of times and rates that of the rates.
std::string unit_of(const FamilyFit& fit) {
  const std::string& first = fit.points.front().point->unit;
  const bool same = std::all_of(fit.points.begin(), fit.points.end(),
                                [&](const FittedPoint& one) { return one.point->unit == first; });
  return same ? first : "GB/s";
}

/// REQUIRES: points.
ScatterPlot plot_of(const FamilyFit& fit) {
  ScatterPlot plot;
  plot.title = fmt::format("{}: {}", fit.family, fit.law);
  plot.line = ScatterPlot::Line::diagonal;
  plot.logarithmic = true;
  const std::string unit = unit_of(fit);
  plot.x_label = "measured, " + unit;
  plot.y_label = "by the law, " + unit;
  for (const FittedPoint& one : fit.points) {
    if (one.predicted <= 0) continue;
    plot.points.emplace_back(in_unit(*one.point, one.point->sample.median, unit),
                             in_unit(*one.point, one.predicted, unit));
  }
  return plot;
}

void write_points_csv(const MachineProfile& profile, const fs::path& path) {
  replace_csv(path, [&](CsvFile& csv) {
    for (const char* head : {"id", "family", "law", "regime", "unit", "measured", "p10", "p90",
                             "predicted", "error", "fitted", "stable"}) {
      csv.text(head);
    }
    csv.end_row();
    for (const FamilyFit& fit : profile.families) {
      for (const FittedPoint& one : fit.points) {
        const Sample& sample = one.point->sample;
        csv.text(one.point->id);
        csv.text(fit.family);
        csv.text(fit.law);
        csv.text(one.regime < fit.regimes.size() ? fit.regimes[one.regime] : "all");
        csv.text(one.point->unit);
        for (const double number : {sample.median, sample.p10, sample.p90, one.predicted,
                                    one.predicted / sample.median - 1}) {
          csv.number(number);
        }
        csv.text(one.fitted ? "true" : "false");
        csv.text(sample.stable ? "true" : "false");
        csv.end_row();
      }
    }
  });
}

}  // namespace

void write_profile_files(const MachineProfile& profile, const fs::path& directory) {
  make_output_directory(directory);
  write_points_csv(profile, directory / "points.csv");
  for (const FamilyFit& fit : profile.families) {
    if (fit.points.empty()) continue;
    replace_file(directory / (file_name(fit) + ".svg"), scatter_svg(plot_of(fit)));
  }
}

}  // namespace terrace::calibrate
