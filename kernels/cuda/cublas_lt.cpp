#include "kernels/cuda/cublas_lt.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include <dlfcn.h>

#include "kernels/cuda/errors.hpp"

namespace terrace::kernels::cuda {
namespace {

constexpr std::int64_t kWorkspace = std::int64_t{32} << 20;

void require(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw std::runtime_error(std::string(call) + ": cuBLASLt's status " +
                           std::to_string(static_cast<int>(status)));
}

/// By the name that the loader knows, else where it was when this was built.
void* library() {
  for (const char* name : {TERRACE_CUBLASLT_NAME, TERRACE_CUBLASLT_PATH}) {
    if (void* const found = ::dlopen(name, RTLD_NOW | RTLD_LOCAL)) return found;
  }
  throw std::runtime_error(std::string(TERRACE_CUBLASLT_NAME) +
                           " cannot be loaded: products of matrices on the GPU need it (is the "
                           "CUDA toolkit's library path known to the loader?)");
}

/// What an address is a multiple of, as far as the library asks.
std::uint32_t alignment_of(const void* address) {
  constexpr std::uintptr_t kMost = 256;
  const auto bits = reinterpret_cast<std::uintptr_t>(address) | kMost;
  return static_cast<std::uint32_t>(bits & (~bits + 1));
}

cudaDataType_t type_of(Element type) { return type == Element::fp32 ? CUDA_R_32F : CUDA_R_16BF; }

}  // namespace

struct CublasLt::Functions {
  template <class F>
  static F* find(void* from, const char* name) {
    void* const symbol = ::dlsym(from, name);
    if (symbol == nullptr) throw std::runtime_error(std::string("cuBLASLt has no ") + name);
    return reinterpret_cast<F*>(symbol);
  }
  explicit Functions(void* from)
      : create(find<decltype(cublasLtCreate)>(from, "cublasLtCreate")),
        destroy(find<decltype(cublasLtDestroy)>(from, "cublasLtDestroy")),
        create_product(find<decltype(cublasLtMatmulDescCreate)>(from, "cublasLtMatmulDescCreate")),
        destroy_product(
            find<decltype(cublasLtMatmulDescDestroy)>(from, "cublasLtMatmulDescDestroy")),
        set_product(
            find<decltype(cublasLtMatmulDescSetAttribute)>(from, "cublasLtMatmulDescSetAttribute")),
        create_layout(
            find<decltype(cublasLtMatrixLayoutCreate)>(from, "cublasLtMatrixLayoutCreate")),
        destroy_layout(
            find<decltype(cublasLtMatrixLayoutDestroy)>(from, "cublasLtMatrixLayoutDestroy")),
        create_preference(
            find<decltype(cublasLtMatmulPreferenceCreate)>(from, "cublasLtMatmulPreferenceCreate")),
        destroy_preference(find<decltype(cublasLtMatmulPreferenceDestroy)>(
            from, "cublasLtMatmulPreferenceDestroy")),
        set_preference(find<decltype(cublasLtMatmulPreferenceSetAttribute)>(
            from, "cublasLtMatmulPreferenceSetAttribute")),
        choose(
            find<decltype(cublasLtMatmulAlgoGetHeuristic)>(from, "cublasLtMatmulAlgoGetHeuristic")),
        multiply(find<decltype(cublasLtMatmul)>(from, "cublasLtMatmul")) {}

  decltype(cublasLtCreate)* create;
  decltype(cublasLtDestroy)* destroy;
  decltype(cublasLtMatmulDescCreate)* create_product;
  decltype(cublasLtMatmulDescDestroy)* destroy_product;
  decltype(cublasLtMatmulDescSetAttribute)* set_product;
  decltype(cublasLtMatrixLayoutCreate)* create_layout;
  decltype(cublasLtMatrixLayoutDestroy)* destroy_layout;
  decltype(cublasLtMatmulPreferenceCreate)* create_preference;
  decltype(cublasLtMatmulPreferenceDestroy)* destroy_preference;
  decltype(cublasLtMatmulPreferenceSetAttribute)* set_preference;
  decltype(cublasLtMatmulAlgoGetHeuristic)* choose;
  decltype(cublasLtMatmul)* multiply;
};

/// What describes a product to the library. Its matrices are column by column, so that ours are
/// their transposes: C^T = B A^T, where B^T and A^T are what memory holds.
struct CublasLt::Product {
  const Functions& call;
  cublasLtMatmulDesc_t product = nullptr;
  cublasLtMatrixLayout_t left = nullptr;
  cublasLtMatrixLayout_t right = nullptr;
  cublasLtMatrixLayout_t result = nullptr;
  cublasLtMatmulAlgo_t algorithm{};

  Product(const Functions& call_, const Gemm& op) : call(call_) {
    const auto m = static_cast<std::uint64_t>(op.m);
    const auto n = static_cast<std::uint64_t>(op.n);
    const auto k = static_cast<std::uint64_t>(op.k);
    const cublasOperation_t transposed = CUBLAS_OP_T;
    require(call.create_product(&product, CUBLAS_COMPUTE_32F, CUDA_R_32F),
            "cublasLtMatmulDescCreate");
    require(call.set_product(product, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed),
            "cublasLtMatmulDescSetAttribute");
    require(call.create_layout(&left, type_of(op.b.type), k, n, op.k),
            "cublasLtMatrixLayoutCreate");
    require(call.create_layout(&right, type_of(op.a.type), k, m, op.k),
            "cublasLtMatrixLayoutCreate");
    require(call.create_layout(&result, type_of(op.c.type), n, m, op.n),
            "cublasLtMatrixLayoutCreate");
  }
  ~Product() {
    if (result != nullptr) static_cast<void>(call.destroy_layout(result));
    if (right != nullptr) static_cast<void>(call.destroy_layout(right));
    if (left != nullptr) static_cast<void>(call.destroy_layout(left));
    if (product != nullptr) static_cast<void>(call.destroy_product(product));
  }
  Product(const Product&) = delete;
  Product& operator=(const Product&) = delete;

  /// The library thinks that matrices begin at multiples of 256 if it is not told otherwise.
  cublasStatus_t prefer(cublasLtMatmulPreference_t preference, const Gemm& op) const {
    const auto workspace = static_cast<std::size_t>(kWorkspace);
    cublasStatus_t status = call.set_preference(
        preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace);
    const std::pair<cublasLtMatmulPreferenceAttributes_t, std::uint32_t> alignments[] = {
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment_of(op.b.begin)},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment_of(op.a.begin)},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment_of(op.c.begin)},
        {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment_of(op.c.begin)}};
    for (const auto& [attribute, bytes] : alignments) {
      if (status != CUBLAS_STATUS_SUCCESS) break;
      status = call.set_preference(preference, attribute, &bytes, sizeof bytes);
    }
    return status;
  }

  void choose(cublasLtHandle_t handle, const Gemm& op) {
    cublasLtMatmulPreference_t preference = nullptr;
    require(call.create_preference(&preference), "cublasLtMatmulPreferenceCreate");
    cublasLtMatmulHeuristicResult_t best{};
    int found = 0;
    cublasStatus_t status = prefer(preference, op);
    if (status == CUBLAS_STATUS_SUCCESS) {
      status =
          call.choose(handle, product, left, right, result, result, preference, 1, &best, &found);
    }
    static_cast<void>(call.destroy_preference(preference));
    if (status != CUBLAS_STATUS_NOT_SUPPORTED) require(status, "cublasLtMatmulAlgoGetHeuristic");
    if (status == CUBLAS_STATUS_NOT_SUPPORTED || found == 0) {
      throw Unsupported("cuBLASLt has no product for these types, sizes and addresses");
    }
    algorithm = best.algo;
  }
};

CublasLt::CublasLt() : call_(std::make_unique<const Functions>(library())) {
  require(call_->create(&handle_), "cublasLtCreate");
}

CublasLt::~CublasLt() { static_cast<void>(call_->destroy(handle_)); }

Start CublasLt::prepare(Runtime& runtime, const Gemm& op) {
  check(op);
  if (op.m == 0 || op.n == 0) return [] {};
  if (op.k == 0) {
    const auto bytes = static_cast<std::size_t>(op.m * op.n * bytes_of(op.c.type));
    return [&runtime, c = op.c.begin, bytes] {
      require(cudaMemsetAsync(c, 0, bytes, runtime.stream()), "cudaMemsetAsync");
    };
  }
  if (!workspace_) workspace_ = runtime.allocate(Bytes{kWorkspace});
  const auto product = std::make_shared<Product>(*call_, op);
  product->choose(handle_, op);
  return [this, &runtime, product, op] {
    const float one = 1;
    const float zero = 0;
    require(call_->multiply(handle_, product->product, &one, op.b.begin, product->left, op.a.begin,
                            product->right, &zero, op.c.begin, product->result, op.c.begin,
                            product->result, &product->algorithm, workspace_.get(),
                            static_cast<std::size_t>(kWorkspace), runtime.stream()),
            "cublasLtMatmul");
  };
}

}  // namespace terrace::kernels::cuda
