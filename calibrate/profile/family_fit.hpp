#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calibrate/measuring/points_file.hpp"
#include "sim/cost/kernel_profile.hpp"

namespace terrace::calibrate {

/// A parameter of a law, as it was found.
struct LawParameter {
  std::string name;  // "bandwidth"
  forms::Unit unit = forms::Unit::none;
  FittedParameter found;  // with its interval of 95 %
};

/// A point beside what the law says of it, both in the unit of the point.
struct FittedPoint {
  const MeasuredPoint* point = nullptr;
  double predicted = 0;
  std::size_t regime = 0;
  bool fitted = true;  // else it was only compared
};

/// What a law has to keep to if it is to be trusted: the mean error of a regime, at most.
struct Gate {
  std::string regime;           // "all", or one of the fit's
  std::string_view figure;      // "mape" or "wape", of RegimeError
  double limit = 0;             // a fraction
  std::optional<double> value;  // none: no point of that regime

  [[nodiscard]] bool met() const { return value && *value <= limit; }
};

/// What became of a family of points, or of a part of it.
struct FamilyFit {
  std::string family;  // "gemm"
  std::string law;     // "roofline", "gemm, bf16", "descriptors, h2d"; empty: nothing follows
  std::vector<LawParameter> parameters{};
  std::vector<std::string_view> regimes{};
  std::vector<FittedPoint> points{};
  std::vector<RegimeError> errors{};  // "all" that were fitted first
  std::optional<Gate> gate{};
  std::vector<std::string> notes{};  // what is odd, or why there is no law
};

constexpr std::string_view kNotFitted = "hot, not fitted";  // the regime of points that are not

/// Fills in the gate, and errors if there are none, by the points. A law without points has
/// neither.
void judge(FamilyFit& fit);

/// The points of a family that have a value, in their order.
std::vector<const MeasuredPoint*> points_of(const MeasuredRun& run, std::string_view family);

}  // namespace terrace::calibrate
