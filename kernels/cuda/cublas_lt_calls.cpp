#include "kernels/cuda/cublas_lt_calls.hpp"

#include <stdexcept>
#include <string>

#include "kernels/cuda/errors.hpp"
#include "kernels/dynamic_library.hpp"

namespace terrace::kernels::cuda {
namespace {

/// By the name that the loader knows, else where it was when this was built.
DynamicLibrary library() {
  try {
    return DynamicLibrary({TERRACE_CUBLASLT_NAME, TERRACE_CUBLASLT_PATH});
  } catch (const std::runtime_error& e) {
    throw std::runtime_error(std::string("products of matrices on the GPU: ") + e.what());
  }
}

}  // namespace

void require(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  // On a device that an earlier kernel broke all calls fail, and only the runtime says why.
  const cudaError_t device = cudaStreamQuery(nullptr);
  if (loses_device(device)) require(device, call);
  static_cast<void>(cudaGetLastError());  // or the next launch would be blamed for it
  throw std::runtime_error(std::string(call) + ": cuBLASLt's status " +
                           std::to_string(static_cast<int>(status)));
}

CublasLtCalls load_cublas_lt() {
  const DynamicLibrary from = library();
  const auto need = [&]<class F>(F*& function, const char* name) { function = from.find<F>(name); };
  CublasLtCalls call;
  need(call.create, "cublasLtCreate");
  need(call.destroy, "cublasLtDestroy");
  need(call.create_product, "cublasLtMatmulDescCreate");
  need(call.destroy_product, "cublasLtMatmulDescDestroy");
  need(call.set_product, "cublasLtMatmulDescSetAttribute");
  need(call.create_layout, "cublasLtMatrixLayoutCreate");
  need(call.destroy_layout, "cublasLtMatrixLayoutDestroy");
  need(call.create_preference, "cublasLtMatmulPreferenceCreate");
  need(call.destroy_preference, "cublasLtMatmulPreferenceDestroy");
  need(call.set_preference, "cublasLtMatmulPreferenceSetAttribute");
  need(call.choose, "cublasLtMatmulAlgoGetHeuristic");
  need(call.multiply, "cublasLtMatmul");
  return call;
}

}  // namespace terrace::kernels::cuda
