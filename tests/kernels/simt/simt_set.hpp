#pragma once

#include <cstdint>
#include <memory>

#include "kernels/kernel_set.hpp"

namespace terrace::kernels::simt {

/// The CUDA kernels, emulated on the host, threads in an order that the seed draws. Products of
/// matrices are a library's there: Unsupported.
std::shared_ptr<KernelSet> simt_set(std::uint64_t seed);

/// Does what prepare_narrow() of kernels/cuda/ prepares. Returns how many blocks of threads it took
/// at a time.
std::int64_t copy_narrowly(std::uint64_t seed, const StreamCopy& op, std::int64_t most_blocks);

}  // namespace terrace::kernels::simt
