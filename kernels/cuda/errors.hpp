#pragma once

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

#include <cuda_runtime_api.h>

#include "kernels/kernel_set.hpp"

namespace terrace::kernels::cuda {

/// Of most of these the CUDA runtime's documentation says: "the process must be terminated and
/// relaunched". Asking the device whether it still answers would not do: that waits for kernels,
/// some of which wait for the host, and spoils graphs that are being captured.
inline bool loses_device(cudaError_t status) {
  constexpr std::array kLast = {cudaErrorIllegalAddress, cudaErrorMisalignedAddress,
                                cudaErrorInvalidAddressSpace, cudaErrorInvalidPc,
                                cudaErrorIllegalInstruction, cudaErrorHardwareStackError,
                                cudaErrorLaunchFailure, cudaErrorLaunchTimeout, cudaErrorAssert,
                                cudaErrorECCUncorrectable, cudaErrorNvlinkUncorrectable,
                                // By number, as older toolkits have no names for them.
                                static_cast<cudaError_t>(226),  // cudaErrorContained
                                static_cast<cudaError_t>(721),  // cudaErrorTensorMemoryLeak
                                static_cast<cudaError_t>(810),  // cudaErrorMpsClientTerminated
                                static_cast<cudaError_t>(911),  // cudaErrorExternalDevice
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
