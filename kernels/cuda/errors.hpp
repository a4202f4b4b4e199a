#pragma once

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

#include <cuda_runtime_api.h>

#include "kernels/kernel_set.hpp"

namespace terrace::kernels::cuda {

/// After these the CUDA runtime's documentation says: "The process must be terminated and
/// relaunched".
inline bool loses_device(cudaError_t status) {
  constexpr std::array kLast = {cudaErrorIllegalAddress,
                                cudaErrorMisalignedAddress,
                                cudaErrorInvalidAddressSpace,
                                cudaErrorInvalidPc,
                                cudaErrorIllegalInstruction,
                                cudaErrorHardwareStackError,
                                cudaErrorLaunchFailure,
                                cudaErrorLaunchTimeout,
                                cudaErrorAssert,
                                cudaErrorECCUncorrectable,
                                cudaErrorUnknown};
  return std::find(kLast.begin(), kLast.end(), status) != kLast.end();
}

/// Throws std::runtime_error, with the call's name and what CUDA says, unless it succeeded:
/// DeviceLost if nothing else can.
inline void require(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());  // or the next launch would be blamed for it
  const std::string what =
      std::string(call) + ": " + cudaGetErrorString(status) + " (" + cudaGetErrorName(status) + ")";
  if (loses_device(status)) throw DeviceLost(what);
  throw std::runtime_error(what);
}

}  // namespace terrace::kernels::cuda
