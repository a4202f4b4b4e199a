#include "kernels/cuda/cublas_lt_calls.hpp"

#include <stdexcept>
#include <string>

#include <dlfcn.h>

namespace terrace::kernels::cuda {
namespace {

/// By the name that the loader knows, else where it was when this was built.
void* library() {
  for (const char* name : {TERRACE_CUBLASLT_NAME, TERRACE_CUBLASLT_PATH}) {
    if (void* const found = ::dlopen(name, RTLD_NOW | RTLD_LOCAL)) return found;
  }
  throw std::runtime_error(std::string(TERRACE_CUBLASLT_NAME) +
                           " cannot be loaded: products of matrices on the GPU need it (is the "
                           "CUDA toolkit's library path known to the loader?)");
}

template <class F>
void find(void* from, const char* name, F*& function) {
  void* const symbol = ::dlsym(from, name);
  if (symbol == nullptr) throw std::runtime_error(std::string("cuBLASLt has no ") + name);
  function = reinterpret_cast<F*>(symbol);
}

}  // namespace

void require(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw std::runtime_error(std::string(call) + ": cuBLASLt's status " +
                           std::to_string(static_cast<int>(status)));
}

CublasLtCalls load_cublas_lt() {
  void* const from = library();
  CublasLtCalls call;
  find(from, "cublasLtCreate", call.create);
  find(from, "cublasLtDestroy", call.destroy);
  find(from, "cublasLtMatmulDescCreate", call.create_product);
  find(from, "cublasLtMatmulDescDestroy", call.destroy_product);
  find(from, "cublasLtMatmulDescSetAttribute", call.set_product);
  find(from, "cublasLtMatrixLayoutCreate", call.create_layout);
  find(from, "cublasLtMatrixLayoutDestroy", call.destroy_layout);
  find(from, "cublasLtMatmulPreferenceCreate", call.create_preference);
  find(from, "cublasLtMatmulPreferenceDestroy", call.destroy_preference);
  find(from, "cublasLtMatmulPreferenceSetAttribute", call.set_preference);
  find(from, "cublasLtMatmulAlgoGetHeuristic", call.choose);
  find(from, "cublasLtMatmul", call.multiply);
  return call;
}

}  // namespace terrace::kernels::cuda
