#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "calibrate/fitting/dataset.hpp"
#include "sim/cost/kernel_profile.hpp"

namespace terrace::calibrate {

struct FitOptions {
  int folds = 5;
  int bootstrap = 200;
  std::uint64_t seed = 1;
  std::map<std::string, double, std::less<>> held{};  // parameters that are not fitted, in SI units
  Bandwidth most_bandwidth = Bandwidth::max();        // of the memory, by the datasheet
};

/// A fit, and what was odd about it but harmless.
struct Calibration {
  KernelFit fit;
  std::vector<double> predicted;  // seconds, by case, with the values as a profile keeps them
  std::vector<std::string> notes;
};

/// Fits the adapter's form. `name` of the points goes in front of errors. Throws ConfigError if the
/// points do not determine the parameters. A pure function of its arguments.
Calibration calibrate(const Dataset& data, const Adapter& adapter, const std::string& name,
                      const FitOptions& options);

}  // namespace terrace::calibrate
