#include "calibrate/profile/family_fit.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "calibrate/fitting/errors.hpp"

namespace terrace::calibrate {

namespace {

std::vector<RegimeError> errors_of(const FamilyFit& fit, bool fitted,
                                   std::span<const std::string_view> regimes) {
  std::vector<double> measured;
  std::vector<double> predicted;
  std::vector<std::uint32_t> regime;
  for (const FittedPoint& one : fit.points) {
    if (one.fitted != fitted) continue;
    measured.push_back(one.point->sample.median);
    predicted.push_back(one.predicted);
    regime.push_back(static_cast<std::uint32_t>(one.regime));
  }
  if (measured.empty()) return {};
  return errors_by_regime(measured, predicted, std::nullopt, regime, regimes);
}

}  // namespace

void judge(FamilyFit& fit) {
  if (fit.errors.empty()) fit.errors = errors_of(fit, true, fit.regimes);
  for (RegimeError& other : errors_of(fit, false, {})) {
    other.regime = kNotFitted;
    fit.errors.push_back(std::move(other));
  }
  if (!fit.gate) return;
  for (const RegimeError& error : fit.errors) {
    if (error.regime != fit.gate->regime) continue;
    fit.gate->value = fit.gate->figure == "wape" ? error.wape : error.mape;
  }
}

std::vector<const MeasuredPoint*> points_of(const MeasuredRun& run, std::string_view family) {
  std::vector<const MeasuredPoint*> all;
  for (const MeasuredPoint& point : run.points) {
    if (point.family == family && point.error.empty() && point.sample.median > 0) {
      all.push_back(&point);
    }
  }
  return all;
}

}  // namespace terrace::calibrate
