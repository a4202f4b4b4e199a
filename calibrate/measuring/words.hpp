#pragma once

#include <string_view>

#include "kernels/cuda/transfers.hpp"
#include "kernels/element.hpp"

/// What ids and parameters of points call things.
namespace terrace::calibrate {

/// "fp32", "bf16", "fp16", "fp8"
std::string_view word(kernels::Element type);
/// "h2d", "d2h", "both"
std::string_view word(kernels::Transfer way);
/// "pinned", "registered", "pageable"
std::string_view word(kernels::HostMemory memory);
/// "loop", "batch", "staged", "zero_copy"
std::string_view word(kernels::BlockPath path);

}  // namespace terrace::calibrate
