#include "calibrate/labs/timed_kernels.hpp"

namespace terrace::labs {

Projection::Projection(kernels::KernelSet& set, const Matrix& matrix)
    : rows_(matrix.rows),
      columns_(matrix.columns),
      type_(matrix.type),
      memory_(set.allocate(Bytes{static_cast<std::int64_t>(matrix.bytes.size())})) {
  set.upload(memory_.get(), matrix.bytes);
}

void Projection::apply(TimedKernels& kernels, std::int64_t rows, kernels::ConstArray from,
                       kernels::Array to) const {
  kernels.run(kernels::Gemm{from, {type_, memory_.get()}, to, rows, rows_, columns_});
}

}  // namespace terrace::labs
