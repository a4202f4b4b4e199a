#pragma once

#include <cuda_runtime_api.h>

namespace terrace::kernels::cuda {

/// Starts a kernel that ends when *flag, in mapped host memory, is not 0: or after ten seconds, so
/// that a host that fails leaves no GPU spinning.
void start_spinning(cudaStream_t stream, const int* flag);

/// Starts a kernel that does nothing.
void start_nothing(cudaStream_t stream);

}  // namespace terrace::kernels::cuda
