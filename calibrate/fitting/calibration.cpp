#include "calibrate/fitting/calibration.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "calibrate/fitting/determined.hpp"
#include "calibrate/fitting/errors.hpp"
#include "calibrate/fitting/least_squares.hpp"
#include "calibrate/fitting/resampling.hpp"
#include "sim/app/exit_code.hpp"

namespace terrace::calibrate {
namespace {

/// A law of which some parameters stand still.
class Narrowed final : public Law {
 public:
  Narrowed(const Law& law, std::vector<double> values, std::vector<std::size_t> free)
      : law_(law), values_(std::move(values)), free_(std::move(free)) {}

  void seconds(std::span<const double> parameters, std::span<const std::uint32_t> which,
               std::span<double> out) const override {
    law_.seconds(all(parameters), which, out);
  }

  /// Those that stand still included.
  [[nodiscard]] std::vector<double> all(std::span<const double> parameters) const {
    std::vector<double> values = values_;
    for (std::size_t j = 0; j < free_.size(); ++j) values[free_[j]] = parameters[j];
    return values;
  }

 private:
  const Law& law_;
  std::vector<double> values_;
  std::vector<std::size_t> free_;
};

FittedParameter kept(forms::Unit unit, double value, const Interval& interval) {
  FittedParameter one;
  one.value = as_kept(unit, value);
  one.low = std::min(one.value, as_kept(unit, interval.low));
  one.high = std::max(one.value, as_kept(unit, interval.high));
  one.standard_error = as_kept(unit, interval.standard_error);
  return one;
}

}  // namespace

Calibration calibrate(const Dataset& data, const Adapter& adapter, const std::string& name,
                      const FitOptions& options) {
  Calibration result;
  KernelFit& fit = result.fit;
  fit.form.text = adapter.form;
  fit.dtype = data.dtype;
  (adapter.only == "head_dim" ? fit.head_dim : fit.gpus) = data.only;
  fit.points = static_cast<std::int64_t>(data.measured.size());

  std::vector<forms::Parameter> parameters;
  std::vector<std::size_t> free;
  std::vector<double> starts;
  for (std::size_t j = 0; j < adapter.parameters.size(); ++j) {
    const forms::Parameter& parameter = adapter.parameters[j];
    starts.push_back(parameter.start);
    fit.parameters.push_back({parameter.start, parameter.start, parameter.start, 0});
    if (!adapter.concerns(parameter.name, data.dtype)) continue;
    if (const auto held = options.held.find(parameter.name); held != options.held.end()) {
      starts.back() = held->second;
      fit.parameters.back() = {held->second, held->second, held->second, 0};
      result.notes.push_back(fmt::format("'{}' was held at {}", parameter.name,
                                         text_of(parameter.unit, held->second)));
      continue;
    }
    parameters.push_back(parameter);
    if (parameter.name == kBandwidth) {
      const double most = options.most_bandwidth.count();
      parameters.back().high = std::min(parameter.high, most);
      parameters.back().start = std::min(parameter.start, 0.9 * most);
    }
    free.push_back(j);
  }
  if (free.empty()) throw app::UsageError("--hold: no parameter is left to fit");
  const Narrowed law(*data.cases, starts, free);
  const Problem problem{&law, parameters, data.measured, data.weights};
  const Selection all = Selection::all(data.measured.size());
  const Solution solution = solve(problem, all, options.seed);
  check_determined(problem, all, solution, name, result.notes);

  const auto unseen =
      cross_validate(problem, data.group, data.groups, solution, options.folds, options.seed);
  if (!unseen) result.notes.emplace_back("one group only: no cross-validation");
  const std::vector<Interval> intervals = bootstrap(problem, data.group, data.groups, solution,
                                                    options.bootstrap, options.seed, result.notes);
  check_intervals(problem, all, solution, intervals, name, result.notes);
  for (std::size_t j = 0; j < free.size(); ++j) {
    fit.parameters[free[j]] = kept(parameters[j].unit, solution.values[j], intervals[j]);
  }
  result.predicted.resize(data.measured.size());
  data.cases->seconds(fit.best(), all.cases, result.predicted);
  fit.errors =
      errors_by_regime(data.measured, result.predicted, unseen, data.regime, adapter.regimes);
  return result;
}

}  // namespace terrace::calibrate
