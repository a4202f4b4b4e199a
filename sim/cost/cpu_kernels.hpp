#pragma once

#include <memory>

#include "sim/cost/confidence.hpp"
#include "sim/cost/kernel_profile.hpp"
#include "sim/cost/kernels.hpp"
#include "sim/fabric/hardware.hpp"

namespace terrace {

/// Kernel times of a processor, by the laws that were fitted to measurements of it: products, and
/// attention by heads and of MLA's decodes. Prompts and decodes of a step run one after the other.
/// Where no fit has the data type in question, the nearest one stands in; a roofline does for what
/// has none: routed experts, prompts of MLA, what is between products, and decodes or prompts that
/// were not measured; each with a caveat but what is between products.
///
/// `low` and `high` as in fitted_kernels(). REQUIRES: sms (the threads) and l2 of the processor,
/// and a profile of one.
std::unique_ptr<const Kernels> cpu_kernels(const KernelProfile& profile, const GpuSpec& processor,
                                           Confidence confidence);

}  // namespace terrace
