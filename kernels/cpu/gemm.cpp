#include "kernels/gemm.hpp"

#include <algorithm>
#include <cstddef>

#include <Eigen/Core>

#include "kernels/cpu/cpu_set.hpp"
#include "kernels/cpu/float_buffer.hpp"

namespace terrace::kernels {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::int64_t kPanel = 128;  // rows of A and of B for one piece

/// Rows [first, first + count) as fp32: where they are, or widened into the buffer.
const float* rows_of(ConstArray a, std::int64_t first, std::int64_t count, std::int64_t k,
                     float* buffer) {
  if (a.type == Element::fp32) return a.as<float>() + first * k;
  const Bf16* from = a.as<Bf16>() + first * k;
  std::transform(from, from + count * k, buffer, [](Bf16 x) { return to_float(x); });
  return buffer;
}

void multiply(const Gemm& op, std::int64_t i, std::int64_t j) {
  const std::int64_t rows = std::min(kPanel, op.m - i);
  const std::int64_t columns = std::min(kPanel, op.n - j);
  const bool widens = op.a.type != Element::fp32;
  const cpu::FloatBuffer buffer(widens ? (rows + columns) * op.k : 0);
  const Eigen::Map<const Matrix> a(rows_of(op.a, i, rows, op.k, buffer.data()), rows, op.k);
  const Eigen::Map<const Matrix> b(rows_of(op.b, j, columns, op.k, buffer.data() + rows * op.k),
                                   columns, op.k);
  Matrix c(rows, columns);
  c.noalias() = a * b.transpose();
  with_elements(op.c, [&]<class T>(T* out) {
    for (std::int64_t r = 0; r < rows; ++r) {
      std::transform(c.row(r).data(), c.row(r).data() + columns, out + (i + r) * op.n + j,
                     [](float x) { return round_to<T>(x); });
    }
  });
}

}  // namespace

void CpuSet::run(const Gemm& op) {
  check(op);
  const std::int64_t down = (op.m + kPanel - 1) / kPanel;
  const std::int64_t across = (op.n + kPanel - 1) / kPanel;
  threads_.run(static_cast<std::size_t>(down * across), [&](std::size_t piece) {
    const auto p = static_cast<std::int64_t>(piece);
    multiply(op, p % down * kPanel, p / down * kPanel);
  });
}

}  // namespace terrace::kernels
