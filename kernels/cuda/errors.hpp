#pragma once

#include <stdexcept>
#include <string>

#include <cuda_runtime_api.h>

namespace terrace::kernels::cuda {

/// Throws std::runtime_error, with the call's name and what CUDA says, unless it succeeded.
inline void require(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  throw std::runtime_error(std::string(call) + ": " + cudaGetErrorString(status) + " (" +
                           cudaGetErrorName(status) + ")");
}

}  // namespace terrace::kernels::cuda
