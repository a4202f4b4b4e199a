#pragma once

#include <memory>

#include "sim/cost/kernels.hpp"
#include "sim/cost/layer_profile.hpp"
#include "sim/cost/uneven_decodes.hpp"

namespace terrace {

/// Kernel times from a profile of this model's layers on this GPU at this degree of sharding. What
/// the profile lacks (communication above all) comes from `rest`, with a caveat.
std::unique_ptr<const Kernels> layer_kernels(LayerProfile profile, const UnevenDecodes& uneven,
                                             std::unique_ptr<const Kernels> rest);

}  // namespace terrace
