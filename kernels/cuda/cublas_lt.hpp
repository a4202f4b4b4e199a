#pragma once

#include <memory>

#include "kernels/cuda/cublas_lt_calls.hpp"
#include "kernels/cuda/runtime.hpp"

namespace terrace::kernels::cuda {

/// cuBLASLt, found when it is first needed: the program starts without it, and need not read its
/// hundreds of MB for anything else.
class CublasLt {
 public:
  /// Throws std::runtime_error if it cannot be loaded.
  CublasLt();
  ~CublasLt();
  CublasLt(const CublasLt&) = delete;
  CublasLt& operator=(const CublasLt&) = delete;

  /// The product that the library thinks fastest, with a workspace of 32 MiB. Throws Unsupported
  /// if it has none.
  [[nodiscard]] Start prepare(Runtime& runtime, const Gemm& op);

 private:
  CublasLtCalls call_;
  cublasLtHandle_t handle_ = nullptr;
  std::shared_ptr<std::byte> workspace_;  // of all products: they are done one after the other
  std::shared_ptr<std::byte> one_;        // 1.0F
};

}  // namespace terrace::kernels::cuda
