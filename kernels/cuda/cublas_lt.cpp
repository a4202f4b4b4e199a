#include "kernels/cuda/cublas_lt.hpp"

#include <cstdint>
#include <span>

#include "kernels/cuda/cublas_product.hpp"
#include "kernels/cuda/errors.hpp"

namespace terrace::kernels::cuda {
namespace {

constexpr std::size_t kWorkspace = std::size_t{32} << 20U;

}  // namespace

CublasLt::CublasLt() : call_(load_cublas_lt()) {
  require(call_.create(&handle_), "cublasLtCreate");
}

CublasLt::~CublasLt() { static_cast<void>(call_.destroy(handle_)); }

Start CublasLt::prepare(Runtime& runtime, const Gemm& op) {
  check(op);
  if (op.m == 0 || op.n == 0) return [] {};
  if (op.k == 0) {
    const auto bytes = static_cast<std::size_t>(op.m * op.n * bytes_of(op.c.type));
    return [&runtime, c = op.c.begin, bytes] {
      require(cudaMemsetAsync(c, 0, bytes, runtime.stream()), "cudaMemsetAsync");
    };
  }
  if (!workspace_) {
    workspace_ = runtime.allocate(Bytes{static_cast<std::int64_t>(kWorkspace)});
    const float one = 1;
    one_ = runtime.allocate(Bytes{sizeof one});
    runtime.upload(one_.get(), std::as_bytes(std::span(&one, 1)));
  }
  const auto product =
      std::make_shared<CublasProduct>(call_, op, reinterpret_cast<const float*>(one_.get()));
  product->choose(handle_, kWorkspace);
  return [this, &runtime, product] {
    product->start(handle_, {workspace_.get(), kWorkspace}, runtime.stream());
  };
}

}  // namespace terrace::kernels::cuda
