#include "calibrate/fitting/fit_report.hpp"

#include <cmath>

#include <fmt/format.h>

#include "sim/report/csv.hpp"
#include "sim/report/human.hpp"
#include "sim/report/table.hpp"

namespace terrace::calibrate {
namespace {

std::string count(std::size_t n) { return human::count(static_cast<std::int64_t>(n)); }

/// To four digits, as people write it.
std::string short_text(forms::Unit unit, double value) {
  switch (unit) {
    case forms::Unit::none:
      break;
    case forms::Unit::time:
      return value < 1e-6 ? fmt::format("{:.4g} ns", value * 1e9) : human::time(value);
    case forms::Unit::bandwidth:
      return fmt::format("{:.4g} GB/s", value / 1e9);
    case forms::Unit::flop_rate:
      return fmt::format("{:.4g} TFLOP/s", value / 1e12);
    case forms::Unit::bytes:
      return human::bytes(value);
  }
  return fmt::format("{:.4g}", value);
}

std::string head_text(const Calibration& calibration, const Dataset& data, const Adapter& adapter,
                      const std::string& points, const std::string& gpu) {
  const KernelFit& fit = calibration.fit;
  std::string text = fmt::format("{} on {}: {}{}{}\n", fit.form.text, gpu,
                                 config::Scalar<DType>::format(fit.dtype),
                                 fit.head_dim ? fmt::format(", head_dim {}", *fit.head_dim)
                                 : fit.gpus   ? fmt::format(", {} GPUs", *fit.gpus)
                                              : "",
                                 fit.engine.empty() ? "" : ", " + fit.engine);
  text += paragraph(
      "  points    ",
      fmt::format("{} of {} in {} group{} by {}", count(data.points.size()), points,
                  count(data.groups), data.groups == 1 ? "" : "s", fmt::join(adapter.group, ", ")));
  for (const auto& [why, points_left] : data.left_out) {
    text += paragraph("  left out  ", fmt::format("{}: {}", human::count(points_left), why));
  }
  for (const std::string& note : calibration.notes) text += paragraph("  note      ", note);
  return text;
}

std::string parameter_table(const KernelFit& fit, const Adapter& adapter) {
  Table table({"parameter", "value", "from", "to (95 %)", "standard error"});
  for (std::size_t j = 0; j < adapter.parameters.size(); ++j) {
    const forms::Parameter& parameter = adapter.parameters[j];
    if (!adapter.concerns(parameter.name, fit.dtype)) continue;
    const FittedParameter& fitted = fit.parameters[j];
    std::vector<std::string> row = {std::string(parameter.name)};
    for (const double value : {fitted.value, fitted.low, fitted.high, fitted.standard_error}) {
      row.push_back(short_text(parameter.unit, value));
    }
    table.add(std::move(row));
  }
  return table.text();
}

std::string error_table(const KernelFit& fit) {
  Table table({"regime", "points", "median", "p90", "max", "mean", "by time", "bias",
               "unseen median", "unseen p90"});
  const auto percent = [](double part) { return fmt::format("{:.1f}", 100 * part); };
  for (const RegimeError& error : fit.errors) {
    table.add({error.regime, human::count(error.points), percent(error.median), percent(error.p90),
               percent(error.max), percent(error.mape), percent(error.wape),
               fmt::format("{:+.1f}", 100 * error.bias),
               error.cv_median ? percent(*error.cv_median) : "-",
               error.cv_p90 ? percent(*error.cv_p90) : "-"});
  }
  return table.text();
}

}  // namespace

std::string fit_text(const Calibration& calibration, const Dataset& data, const Adapter& adapter,
                     const std::string& points, const std::string& gpu) {
  return head_text(calibration, data, adapter, points, gpu) + "\n" +
         parameter_table(calibration.fit, adapter) +
         "\n|predicted / measured - 1| in %; by time: as a step feels it; unseen: by fits without "
         "the group\n" +
         error_table(calibration.fit);
}

void write_points(const std::filesystem::path& path, const PointTable& table, const Dataset& data,
                  const Calibration& calibration, const Adapter& adapter) {
  CsvFile file(path);
  for (const std::string& column : table.columns) file.text(column);
  for (const char* column : {"latency_us", "regime", "predicted_us"}) file.text(column);
  file.end_row();
  for (std::size_t i = 0; i < data.points.size(); ++i) {
    for (const Cell& cell : data.points[i]->cells) file.text(cell.text);
    file.number(std::round(data.measured[i] * 1e12) / 1e6);
    file.text(adapter.regimes[data.regime[i]]);
    file.number(std::round(calibration.predicted[i] * 1e12) / 1e6);
    file.end_row();
  }
  file.close();
}

}  // namespace terrace::calibrate
