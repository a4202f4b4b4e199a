#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/operands.hpp"
#include "kernels/cuda/cuda_set.hpp"
#include "kernels/cuda/transfers.hpp"
#include "kernels/kernel_set.hpp"
#include "sim/base/function_ref.hpp"

namespace terrace::calibrate {

/// What is measured.
// NOLINTNEXTLINE(bugprone-exception-escape): moving JSON does not throw
struct Device {
  bool gpu = false;
  std::unique_ptr<kernels::KernelSet> kernels;
  std::unique_ptr<kernels::Transfers> transfers;  // of a GPU
  nlohmann::ordered_json facts;                   // for the host's
  std::string pci;                                // "0000:3b:00.0" of a GPU
};

/// Facts of a GPU by the names that profiles are made from.
nlohmann::ordered_json json_of(const kernels::GpuFacts& gpu);

/// "cpu" or "cuda:0". Throws UsageError if it is neither, std::runtime_error if there is no such
/// device here.
Device open_device(const std::string& name, int threads);

/// To a power of four: what varies from run to run by less than a factor of two is nearly always
/// the same, and so is what is planned by it.
double coarse(double rate);

/// Measures in a second or so what plans for a GPU have to know, and no closer than coarse(): two
/// calibrations of a machine have the same points, or they cannot be compared.
Pace pace_of_gpu(kernels::KernelSet& kernels);

/// Of a usual processor with so many threads. Nothing is measured: others have work on its cores,
/// and how much at this moment must not decide which points there are.
Pace usual_pace(int threads);

/// A small job that is the same whenever it is asked for, if the machine is the same.
class Sentinel {
 public:
  Sentinel(kernels::KernelSet& kernels, bool gpu);

  /// Of a copy and of a product, in a fifth of a second.
  std::vector<std::pair<std::string, double>> rates();

  /// What `look` sees of a GPU that has copied for a while and still does.
  std::vector<std::pair<std::string, double>> under_load(
      FunctionRef<std::vector<std::pair<std::string, double>>()> look);

 private:
  Operands operands_;  // few of them: large pools take seconds to fill
  bool gpu_;
};

}  // namespace terrace::calibrate
