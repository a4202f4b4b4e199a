#pragma once

#include <cstdint>
#include <memory>

#include "kernels/kernel_set.hpp"

namespace terrace::kernels::simt {

/// The CUDA kernels, emulated on the host, threads in an order that the seed draws. Products of
/// matrices are a library's there: Unsupported.
std::shared_ptr<KernelSet> simt_set(std::uint64_t seed);

}  // namespace terrace::kernels::simt
