#include "sim/cost/fits.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "sim/config/scalar.hpp"

namespace terrace {
namespace {

std::int64_t size_of(const KernelFit& fit) { return fit.head_dim.value_or(fit.gpus.value_or(0)); }

std::string key(DType dtype, std::int64_t size) {
  const std::string type = config::Scalar<DType>::format(dtype);
  return size > 0 ? fmt::format("{}, {}", type, size) : type;
}

/// In bits of the type, as types of one width are computed alike; then the larger size over the
/// smaller one, less 1.
std::pair<std::int64_t, double> distance(const KernelFit& fit, DType dtype, std::int64_t size) {
  const std::int64_t type = std::abs(bits(fit.dtype) - bits(dtype));
  const std::int64_t own = size_of(fit);
  if (own == 0 || size == 0) return {type, 0};
  return {type,
          static_cast<double>(std::max(own, size)) / static_cast<double>(std::min(own, size)) - 1};
}

}  // namespace

Law Fits::nearest(std::string_view form, DType dtype, std::int64_t size) const {
  const KernelFit* best = nullptr;
  for (const KernelFit& fit : profile_.fits) {
    if (fit.form.text != form) continue;
    if (best == nullptr || distance(fit, dtype, size) < distance(*best, dtype, size)) best = &fit;
  }
  if (best == nullptr) return {};
  const auto [type, off] = distance(*best, dtype, size);
  if (type > 0 || off > 0) {
    note(fmt::format("no {} fit for {}; that for {} stands in", form, key(dtype, size),
                     key(best->dtype, size_of(*best))));
  }
  return {best->best(), stretch(*best)};
}

double Fits::stretch(const KernelFit& fit) const {
  for (const RegimeError& error : fit.errors) {
    if (error.regime == "all") {
      return terrace::stretch(confidence_, error.cv_median.value_or(error.median));
    }
  }
  return 1;
}

}  // namespace terrace
