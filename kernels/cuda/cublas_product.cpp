#include "kernels/cuda/cublas_product.hpp"

#include <cstdint>
#include <string>
#include <utility>

#include "kernels/kernel_set.hpp"

namespace terrace::kernels::cuda {
namespace {

constexpr std::int64_t kFp8Multiple = 16;  // of sizes, in elements, and of addresses, in bytes

/// What an address is a multiple of, as far as the library asks.
std::uint32_t alignment_of(const void* address) {
  constexpr std::uintptr_t kMost = 256;
  const auto bits = reinterpret_cast<std::uintptr_t>(address) | kMost;
  return static_cast<std::uint32_t>(bits & (~bits + 1));
}

cudaDataType_t type_of(Element type) {
  switch (type) {
    case Element::fp32:
      return CUDA_R_32F;
    case Element::bf16:
      return CUDA_R_16BF;
    case Element::fp16:
      return CUDA_R_16F;
    case Element::fp8_e4m3:
      return CUDA_R_8F_E4M3;
  }
  return CUDA_R_32F;
}

cublasComputeType_t arithmetic_of(const Gemm& op) {
  return op.multiply == Multiply::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
}

/// The documentation of cublasLtMatmul() asks for it; what the library answers otherwise differs
/// from version to version.
void check_fp8(const Gemm& op) {
  if (op.n % kFp8Multiple != 0 || op.k % kFp8Multiple != 0) {
    throw Unsupported("cuBLASLt multiplies fp8 where n and k are multiples of 16, not n = " +
                      std::to_string(op.n) + " and k = " + std::to_string(op.k));
  }
  for (const void* begin : {op.a.begin, op.b.begin, static_cast<const void*>(op.c.begin)}) {
    if (alignment_of(begin) < kFp8Multiple) {
      throw Unsupported("cuBLASLt multiplies fp8 where matrices begin at multiples of 16 bytes");
    }
  }
}

}  // namespace

CublasProduct::CublasProduct(const CublasLtCalls& call, const Gemm& op, const float* one)
    : call_(call), op_(op) {
  if (op.a.type == Element::fp8_e4m3) check_fp8(op);
  try {
    describe(one);
  } catch (...) {
    destroy();
    throw;
  }
}

CublasProduct::~CublasProduct() { destroy(); }

void CublasProduct::destroy() {
  if (result_ != nullptr) static_cast<void>(call_.destroy_layout(result_));
  if (right_ != nullptr) static_cast<void>(call_.destroy_layout(right_));
  if (left_ != nullptr) static_cast<void>(call_.destroy_layout(left_));
  if (product_ != nullptr) static_cast<void>(call_.destroy_product(product_));
}

void CublasProduct::describe(const float* one) {
  require(call_.create_product(&product_, arithmetic_of(op_), CUDA_R_32F),
          "cublasLtMatmulDescCreate");
  const auto set = [&](cublasLtMatmulDescAttributes_t attribute, const auto& value) {
    require(call_.set_product(product_, attribute, &value, sizeof value),
            "cublasLtMatmulDescSetAttribute");
  };
  set(CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
  if (op_.a.type == Element::fp8_e4m3) {
    set(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, one);
    set(CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, one);
    set(CUBLASLT_MATMUL_DESC_FAST_ACCUM, std::int8_t{1});
  }
  const auto m = static_cast<std::uint64_t>(op_.m);
  const auto n = static_cast<std::uint64_t>(op_.n);
  const auto k = static_cast<std::uint64_t>(op_.k);
  const auto create = [&](cublasLtMatrixLayout_t& layout, Element type, std::uint64_t rows,
                          std::uint64_t columns) {
    require(
        call_.create_layout(&layout, type_of(type), rows, columns, static_cast<std::int64_t>(rows)),
        "cublasLtMatrixLayoutCreate");
  };
  create(left_, op_.b.type, k, n);
  create(right_, op_.a.type, k, m);
  create(result_, op_.c.type, n, m);
}

/// The library thinks that matrices begin at multiples of 256 if it is not told otherwise.
cublasStatus_t CublasProduct::prefer(cublasLtMatmulPreference_t preference,
                                     std::size_t workspace) const {
  cublasStatus_t status = call_.set_preference(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                               &workspace, sizeof workspace);
  const std::pair<cublasLtMatmulPreferenceAttributes_t, std::uint32_t> alignments[] = {
      {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment_of(op_.b.begin)},
      {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment_of(op_.a.begin)},
      {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment_of(op_.c.begin)},
      {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment_of(op_.c.begin)}};
  for (const auto& [attribute, bytes] : alignments) {
    if (status != CUBLAS_STATUS_SUCCESS) break;
    status = call_.set_preference(preference, attribute, &bytes, sizeof bytes);
  }
  return status;
}

void CublasProduct::choose(cublasLtHandle_t handle, std::size_t workspace) {
  cublasLtMatmulPreference_t preference = nullptr;
  require(call_.create_preference(&preference), "cublasLtMatmulPreferenceCreate");
  cublasLtMatmulHeuristicResult_t best{};
  int found = 0;
  cublasStatus_t status = prefer(preference, workspace);
  if (status == CUBLAS_STATUS_SUCCESS) {
    status = call_.choose(handle, product_, left_, right_, result_, result_, preference, 1, &best,
                          &found);
  }
  static_cast<void>(call_.destroy_preference(preference));
  const bool none = status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_ARCH_MISMATCH;
  if (!none) require(status, "cublasLtMatmulAlgoGetHeuristic");
  if (none || found == 0) {
    throw Unsupported("cuBLASLt has no product for these types, sizes and addresses on this GPU");
  }
  algorithm_ = best.algo;
}

void CublasProduct::start(cublasLtHandle_t handle, std::span<std::byte> workspace,
                          cudaStream_t stream) const {
  const float one = 1;
  const float zero = 0;
  require(call_.multiply(handle, product_, &one, op_.b.begin, left_, op_.a.begin, right_, &zero,
                         op_.c.begin, result_, op_.c.begin, result_, &algorithm_, workspace.data(),
                         workspace.size(), stream),
          "cublasLtMatmul");
}

}  // namespace terrace::kernels::cuda
