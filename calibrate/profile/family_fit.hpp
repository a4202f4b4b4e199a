#pragma once

#include <optional>
#include <string>
#include <vector>

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
  std::string id;
  std::string regime;
  std::string unit;
  double measured = 0;
  double predicted = 0;
  bool stable = true;
};

/// What a law has to keep to if it is to be trusted: "wape of 'n, k >= 1024' <= 10 %".
struct Gate {
  std::string regime;
  std::string figure;           // of RegimeError: "median", "mape", "wape"
  double limit = 0;             // a fraction
  std::optional<double> value;  // none: no point of that regime

  [[nodiscard]] bool met() const { return value && *value <= limit; }
};

/// What became of a family of points.
struct FamilyFit {
  std::string family;  // "gemm"
  std::string law;     // "roofline", "gemm", "closed loop"; empty: shown, but nothing follows
  std::vector<LawParameter> parameters;
  std::vector<RegimeError> errors;  // "all" first
  std::optional<Gate> gate;
  std::vector<FittedPoint> points;
  std::string range;               // what was measured: beyond it, the law is extrapolated
  std::vector<std::string> notes;  // what was odd, or why there is no law
};

}  // namespace terrace::calibrate
