#pragma once

#include "sim/cost/kernel_profile.hpp"
#include "sim/model/model.hpp"
#include "sim/model/work.hpp"

namespace terrace {

/// What a roofline times of a model's kernels beside the laws of a profile.
struct RooflineShare {
  bool products = false;  // or what is between them
  bool attention = false;
};

/// As fitted_kernels() and cpu_kernels() do.
RooflineShare roofline_share(const KernelProfile& profile, const ModelSpec& model,
                             const Parallel& parallel);

}  // namespace terrace
