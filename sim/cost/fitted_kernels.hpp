#pragma once

#include <filesystem>
#include <memory>

#include "sim/cost/confidence.hpp"
#include "sim/cost/kernel_profile.hpp"
#include "sim/cost/kernels.hpp"
#include "sim/fabric/hardware.hpp"

namespace terrace {

/// Kernel times by the laws that were fitted to measurements of this GPU. Where no fit has the data
/// type, head_dim or number of GPUs in question, the nearest one that there is stands in; where
/// there is none of a family, a roofline; each with a caveat.
///
/// Routed experts are the two products of a grouped GEMM: all touched weights are read, rows are
/// padded to tiles of 16 per expert. Kernels between the products take a launch of 2 us, as
/// element-wise kernels do on all of these GPUs, and their bytes at the bandwidth of products.
///
/// Attention of a step with prompts and decodes has a law of its own where it was measured, and is
/// otherwise the sum of both kinds with one launch, with a caveat.
///
/// MLA whose decodes alone were measured takes prompts from a roofline, with a caveat.
///
/// `low` and `high` shift each family by the median error that cross-validation found for it, all
/// its kernels the same way. REQUIRES: sms and l2 of the GPU.
std::unique_ptr<const Kernels> fitted_kernels(const KernelProfile& profile, const GpuSpec& gpu,
                                              Confidence confidence);

/// The same times what the measurements in `directory` say that the laws leave at the place in
/// question (see KernelTables). What lies outside of them is extrapolated.
/// Throws ConfigError if they cannot be read.
std::unique_ptr<const Kernels> table_kernels(const KernelProfile& profile, const GpuSpec& gpu,
                                             const std::filesystem::path& directory);

}  // namespace terrace
