#pragma once

#include <memory>

#include "kernels/copy_traffic.hpp"
#include "kernels/cuda/transfers.hpp"

namespace terrace::kernels::cuda {

/// A lane on a stream of its own.
std::unique_ptr<CopyLane> open_lane(int device, const Traffic& traffic);

}  // namespace terrace::kernels::cuda
