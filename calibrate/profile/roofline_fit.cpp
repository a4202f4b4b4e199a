#include "calibrate/profile/roofline_fit.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "calibrate/fitting/law_fit.hpp"
#include "calibrate/fitting/points.hpp"
#include "calibrate/profile/roofline_cases.hpp"
#include "calibrate/profile/shape.hpp"

namespace terrace::calibrate {
namespace {

using forms::Unit;

constexpr std::size_t kFewest = 2;  // points on a ceiling that tell where it is
constexpr double kFar = 100;        // from the best point, for bounds

/// Of the law's parameters; the first is the launch.
enum Place : std::size_t {
  launch,
  product_rate,
  product_bandwidth,
  attention_rate,
  attention_bandwidth
};
constexpr std::size_t kParameters = 5;
constexpr std::array<std::string_view, kParameters> kNames = {
    "launch", "product rate", "product bandwidth", "attention rate", "attention bandwidth"};

Place rate_of(const RooflineCase& one) { return one.product ? product_rate : attention_rate; }
Place bandwidth_of(const RooflineCase& one) {
  return one.product ? product_bandwidth : attention_bandwidth;
}

/// In seconds.
double time_of(std::span<const double> p, const RooflineCase& one) {
  return p[launch] + std::max(one.flops / p[rate_of(one)], one.bytes / p[bandwidth_of(one)]);
}

bool is_fitted(const RooflineCase& one) { return one.point->cache != "hot"; }

/// The law over the cases there are: parameters of which no case knows stand still.
class Rooflines {
 public:
  /// `measured` is the launch, if it was.
  Rooflines(std::vector<RooflineCase> cases, const std::optional<FittedParameter>& measured)
      : cases_(std::move(cases)) {
    std::array<double, kParameters> best{1, 0, 0, 0, 0};
    for (const RooflineCase& one : cases_) {
      const double time = seconds_of(*one.point);
      measured_.push_back(time);
      best[launch] = std::min(best[launch], time);
      best[rate_of(one)] = std::max(best[rate_of(one)], one.flops / time);
      best[bandwidth_of(one)] = std::max(best[bandwidth_of(one)], one.bytes / time);
    }
    values_.fill(1);
    if (measured) {
      values_[launch] = measured->value;
      found_[launch] = measured;
    }
    for (std::size_t i = measured ? launch + 1 : launch; i < kParameters; ++i) {
      if (!(best[i] > 0)) continue;
      const double low = i == launch ? best[i] / 1e4 : best[i] / kFar;
      const double high = i == launch ? best[i] : best[i] * kFar;
      const Unit unit = i == launch                                ? Unit::time
                        : i == product_rate || i == attention_rate ? Unit::flop_rate
                                                                   : Unit::bandwidth;
      parameters_.push_back({kNames[i], unit, low, high, i == launch ? best[i] / 2 : best[i],
                             i == launch ? "before a kernel begins" : "that kernels reach"});
      places_.push_back(i);
    }
  }

  [[nodiscard]] bool enough() const { return cases_.size() > parameters_.size(); }

  LawFit fit() {
    LawFit found = fit_law({.name = "kernels",
                            .parameters = parameters_,
                            .measured = measured_,
                            .seconds = [&](std::span<const double> p, std::size_t i) {
                              return time_of(spread(p), cases_[i]);
                            }});
    std::vector<double> p;
    for (const FittedParameter& one : found.parameters) p.push_back(one.value);
    values_ = spread(p);
    for (std::size_t j = 0; j < places_.size(); ++j) found_[places_[j]] = found.parameters[j];
    forget_ceilings_unseen();
    return found;
  }

  [[nodiscard]] const std::array<std::optional<FittedParameter>, kParameters>& found() const {
    return found_;
  }
  [[nodiscard]] double predict(const RooflineCase& one) const { return time_of(values_, one); }

 private:
  [[nodiscard]] std::array<double, kParameters> spread(std::span<const double> p) const {
    std::array<double, kParameters> all = values_;
    for (std::size_t j = 0; j < places_.size(); ++j) all[places_[j]] = p[j];
    return all;
  }

  void forget_ceilings_unseen() {
    std::array<std::size_t, kParameters> bound{};
    for (const RooflineCase& one : cases_) {
      const double computing = one.flops / values_[rate_of(one)];
      const double moving = one.bytes / values_[bandwidth_of(one)];
      ++bound[computing > moving ? rate_of(one) : bandwidth_of(one)];
    }
    for (std::size_t i = launch + 1; i < kParameters; ++i) {
      if (bound[i] < kFewest) found_[i].reset();
    }
  }

  std::vector<RooflineCase> cases_;
  std::vector<double> measured_;
  std::vector<forms::Parameter> parameters_;
  std::vector<std::size_t> places_;  // of the parameters
  std::array<double, kParameters> values_{};
  std::array<std::optional<FittedParameter>, kParameters> found_{};
};

void add_parameter(FamilyFit& fit, std::string name, Unit unit,
                   const std::optional<FittedParameter>& found) {
  if (found) fit.parameters.push_back({std::move(name), unit, *found});
}

FamilyFit family_fit(RooflineFamily family, const Rooflines& law) {
  FamilyFit fit{.family = std::string(family.name),
                .law = "roofline",
                .regimes = std::move(family.regimes),
                .gate = std::move(family.gate),
                .notes = std::move(family.notes)};
  for (const RooflineCase& one : family.cases) {
    fit.points.push_back(
        {one.point, law.predict(one) / seconds_per(one.point->unit), one.regime, is_fitted(one)});
  }
  if (fit.points.empty()) return fit;
  const bool products = family.cases.front().product;
  add_parameter(fit, "launch", Unit::time, law.found()[launch]);
  add_parameter(fit, "rate", Unit::flop_rate,
                law.found()[products ? product_rate : attention_rate]);
  add_parameter(fit, "bandwidth", Unit::bandwidth,
                law.found()[products ? product_bandwidth : attention_bandwidth]);
  judge(fit);
  return fit;
}

/// Next to nothing, started again and again. On a processor that is a call, while kernels wake
/// threads or not as they see fit: there the constant term says more.
std::optional<FittedParameter> measured_launch(const MeasuredRun& run) {
  if (!run.host.contains("gpu")) return std::nullopt;
  for (const MeasuredPoint* point : points_of(run, "launch")) {
    if (Shape(*point).text("op") != "in_a_row") continue;
    const double unit = seconds_per(point->unit);
    return FittedParameter{point->sample.median * unit, point->sample.p10 * unit,
                           point->sample.p90 * unit, 0};
  }
  return std::nullopt;
}

}  // namespace

RooflineFit fit_roofline(const MeasuredRun& run) {
  std::vector<RooflineFamily> families = roofline_families(run);
  std::vector<RooflineCase> fitted;
  RooflineFit result;
  for (const RooflineFamily& family : families) {
    for (const RooflineCase& one : family.cases) {
      if (one.product) {
        result.best_product_rate =
            std::max(result.best_product_rate, one.flops / seconds_of(*one.point));
      }
      if (is_fitted(one)) fitted.push_back(one);
    }
  }
  Rooflines law(std::move(fitted), measured_launch(run));
  if (!law.enough()) return result;
  static_cast<void>(law.fit());
  result.launch = law.found()[launch];
  result.products = {law.found()[product_rate], law.found()[product_bandwidth]};
  result.attention = {law.found()[attention_rate], law.found()[attention_bandwidth]};
  for (RooflineFamily& family : families) {
    if (!family.cases.empty()) result.families.push_back(family_fit(std::move(family), law));
  }
  return result;
}

}  // namespace terrace::calibrate
