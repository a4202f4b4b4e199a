#pragma once

#include <cmath>
#include <vector>

#include <rapidcheck.h>

#include "sim/cost/forms/form.hpp"

namespace terrace::forms {

inline constexpr Chip kH200{132, 50e6};

/// Anywhere between the bounds of the parameters, spread evenly in logarithms.
template <class Form>
std::vector<double> any_parameters() {
  std::vector<double> values;
  for (const Parameter& parameter : Form::kParameters) {
    const double share = *rc::gen::inRange(0, 1001) / 1000.0;
    values.push_back(parameter.low * std::pow(parameter.high / parameter.low, share));
  }
  return values;
}

template <class Form>
std::vector<double> start_values() {
  std::vector<double> values;
  for (const Parameter& parameter : Form::kParameters) values.push_back(parameter.start);
  return values;
}

/// The larger may be short by rounding.
inline bool at_least(double larger, double smaller) { return larger >= smaller * (1 - 1e-12); }

}  // namespace terrace::forms
