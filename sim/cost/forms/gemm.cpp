#include "sim/cost/forms/gemm.hpp"

#include <algorithm>

#include "sim/base/portable_math.hpp"

namespace terrace::forms {

double Gemm::seconds(std::span<const double> p, const Chip&, const Case& x) {
  const double memory = x.element_bytes * (x.m * x.k + x.k * x.n + x.m * x.n) / p[1];
  const double compute = 2 * x.m * x.n * x.k / p[2];
  const double most = std::max(memory, compute);
  const double least = std::min(memory, compute);
  return p[0] + most * portable::pow(1 + portable::pow(least / most, p[3]), 1 / p[3]);
}

}  // namespace terrace::forms
