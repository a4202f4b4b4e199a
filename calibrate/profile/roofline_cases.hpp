#pragma once

#include <string>
#include <vector>

#include "calibrate/profile/family_fit.hpp"

namespace terrace::calibrate {

/// A call of a kernel as the roofline sees it.
struct RooflineCase {
  const MeasuredPoint* point = nullptr;
  bool product = false;  // else attention
  double flops = 0;
  double bytes = 0;
  std::size_t regime = 0;
};

/// What can be said of a family by a roofline.
struct RooflineFamily {
  std::string_view name;
  std::vector<std::string_view> regimes;
  Gate gate;
  std::vector<RooflineCase> cases;
  std::vector<std::string> notes;  // what is left out
};

/// The four families of kernels, with the operations and bytes that sim/cost/roofline.cpp counts.
/// Throws ConfigError if a point does not say what was done.
std::vector<RooflineFamily> roofline_families(const MeasuredRun& run);

}  // namespace terrace::calibrate
