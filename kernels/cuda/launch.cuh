#pragma once

#include <limits>

#include "kernels/cuda/errors.hpp"
#include "kernels/cuda/ptx.cuh"
#include "kernels/cuda/runtime.hpp"

namespace terrace::kernels::cuda {

template <class Kernel>
__global__ void __launch_bounds__(Kernel::kThreads) run_kernel(const Kernel kernel) {
  kernel();
}

template <class Kernel>
int Runtime::residents() {
  return residents_of(
      {reinterpret_cast<const void*>(&run_kernel<Kernel>), Kernel::kThreads, Kernel::kShared});
}

template <class Kernel>
void Runtime::launch(const Kernel& kernel, std::int64_t blocks) {
  if (blocks > std::numeric_limits<std::int32_t>::max()) {
    throw Unsupported("an operation of " + std::to_string(blocks) + " blocks of threads");
  }
  run_kernel<<<static_cast<unsigned>(blocks), Kernel::kThreads, Kernel::kShared, stream_>>>(kernel);
  require(cudaGetLastError(), "the launch of a kernel");
}

}  // namespace terrace::kernels::cuda
