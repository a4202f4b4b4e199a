#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/operands.hpp"
#include "kernels/kernel_set.hpp"

namespace terrace::calibrate {

/// What is measured.
struct Device {
  bool gpu = false;
  std::unique_ptr<kernels::KernelSet> kernels;
  nlohmann::ordered_json facts;  // for the host's
};

/// "cpu" or "cuda:0". Throws UsageError if it is neither, std::runtime_error if there is no such
/// device here.
Device open_device(const std::string& name, int threads);

/// Measures in a second or so what plans have to know.
Pace pace_of(kernels::KernelSet& kernels, bool gpu);

/// The rates of a copy and of a product, in a tenth of a second: the same whenever it is asked, if
/// the machine is the same.
std::vector<std::pair<std::string, double>> sentinel_rates(Operands& operands, bool gpu);

}  // namespace terrace::calibrate
