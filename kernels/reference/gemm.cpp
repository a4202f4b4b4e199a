#include "kernels/gemm.hpp"

#include "kernels/reference/elements.hpp"
#include "kernels/reference/reference_set.hpp"

namespace terrace::kernels {

void ReferenceSet::compute(const Gemm& op) {
  for (std::int64_t i = 0; i < op.m; ++i) {
    for (std::int64_t j = 0; j < op.n; ++j) {
      double sum = 0;
      for (std::int64_t l = 0; l < op.k; ++l) {
        sum += reference::load(op.a, i * op.k + l) * reference::load(op.b, j * op.k + l);
      }
      reference::store(op.c, i * op.n + j, sum);
    }
  }
}

}  // namespace terrace::kernels
