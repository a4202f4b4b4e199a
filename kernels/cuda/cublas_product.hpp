#pragma once

#include <cstddef>
#include <span>

#include "kernels/cuda/cublas_lt_calls.hpp"
#include "kernels/gemm.hpp"

namespace terrace::kernels::cuda {

/// A product as cuBLASLt has it described. Its matrices are column by column, so that ours are
/// their transposes: C^T = B A^T, where B^T and A^T are what memory holds. That is the one layout
/// (TN) that it multiplies fp8 in.
class CublasProduct {
 public:
  /// `one` is a 1.0F in the GPU's memory, the scale of fp8 operands; `call` has to outlive this.
  /// Throws Unsupported for fp8 whose rows the library does not take: n and k have to be multiples
  /// of 16 (m need not be), and matrices to begin at such.
  CublasProduct(const CublasLtCalls& call, const Gemm& op, const float* one);
  ~CublasProduct();
  CublasProduct(const CublasProduct&) = delete;
  CublasProduct& operator=(const CublasProduct&) = delete;

  /// Takes what the library thinks fastest within so much workspace. Throws Unsupported if it has
  /// nothing, as for fp8 before compute capability 8.9.
  void choose(cublasLtHandle_t handle, std::size_t workspace);

  /// REQUIRES: choose() before, with as much workspace.
  void start(cublasLtHandle_t handle, std::span<std::byte> workspace, cudaStream_t stream) const;

 private:
  void describe(const float* one);
  [[nodiscard]] cublasStatus_t prefer(cublasLtMatmulPreference_t preference,
                                      std::size_t workspace) const;
  void destroy();

  const CublasLtCalls& call_;
  Gemm op_;
  cublasLtMatmulDesc_t product_ = nullptr;
  cublasLtMatrixLayout_t left_ = nullptr;
  cublasLtMatrixLayout_t right_ = nullptr;
  cublasLtMatrixLayout_t result_ = nullptr;
  cublasLtMatmulAlgo_t algorithm_{};
};

}  // namespace terrace::kernels::cuda
