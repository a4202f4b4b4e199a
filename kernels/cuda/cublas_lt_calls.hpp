#pragma once

#include <cublasLt.h>

namespace terrace::kernels::cuda {

/// What products need of cuBLASLt: the library's functions, or ones that a test hands in.
struct CublasLtCalls {
  decltype(cublasLtCreate)* create = nullptr;
  decltype(cublasLtDestroy)* destroy = nullptr;
  decltype(cublasLtMatmulDescCreate)* create_product = nullptr;
  decltype(cublasLtMatmulDescDestroy)* destroy_product = nullptr;
  decltype(cublasLtMatmulDescSetAttribute)* set_product = nullptr;
  decltype(cublasLtMatrixLayoutCreate)* create_layout = nullptr;
  decltype(cublasLtMatrixLayoutDestroy)* destroy_layout = nullptr;
  decltype(cublasLtMatmulPreferenceCreate)* create_preference = nullptr;
  decltype(cublasLtMatmulPreferenceDestroy)* destroy_preference = nullptr;
  decltype(cublasLtMatmulPreferenceSetAttribute)* set_preference = nullptr;
  decltype(cublasLtMatmulAlgoGetHeuristic)* choose = nullptr;
  decltype(cublasLtMatmul)* multiply = nullptr;
};

/// The library is never closed. Throws std::runtime_error if it cannot be loaded.
CublasLtCalls load_cublas_lt();

/// Throws std::runtime_error, with the call's name and its status, unless it succeeded: DeviceLost
/// if what the device did before is why.
void require(cublasStatus_t status, const char* call);

}  // namespace terrace::kernels::cuda
