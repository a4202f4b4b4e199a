#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/element.hpp"
#include "kernels/proof/cache.hpp"
#include "kernels/proof/operations.hpp"
#include "kernels/proof/tensor.hpp"

namespace terrace::kernels::tests {

/// Half the distance between neighbours, relative to the number.
inline double unit_roundoff(Element type) {
  switch (type) {
    case Element::fp32:
      return 0x1p-24;
    case Element::bf16:
      return 0x1p-8;
    case Element::fp16:
      return 0x1p-11;
    case Element::fp8_e4m3:
      return 0x1p-4;
  }
  return 0;
}

/// How the operands of products are rounded by kernels that use matrix units: not at all, unless it
/// says so.
struct Rounding {
  double weights = 0;  // of a softmax, relative
  double queries = 0;  // relative
  double least = 0;    // of the weights, which are at most 1, absolute
};

/// How far attention may be off that sums in fp32: a bound of what adds up, in units of fp32's
/// rounding. Scores are sums of products; those of a row are off by less than `score_size` (the
/// largest sum of the products' absolute values) such units, and a score's error is the relative
/// error of a weight. Sums over `keys` rounded numbers drift by the root of their count. All of it
/// times the largest value, as the output is a mean of values; and then the output is rounded.
///
/// Where weights are rounded, each is off by that much, and so is the mean. Where queries are, the
/// errors of a score's products are of either sign and add up as the root of their count.
struct AttentionTolerance {
  double score_size = 0;
  double keys = 0;
  double largest_value = 0;
  double dimensions = 1;
  Rounding rounding{};

  [[nodiscard]] double of(double expected, Element out) const {
    const double units = score_size + 4 * std::sqrt(keys) + 16;
    const double least = out == Element::fp16 ? 0x1p-25 : 0;  // fp16 may round to a subnormal
    const double operands = rounding.weights + rounding.least * keys +
                            rounding.queries * score_size / std::sqrt(dimensions);
    return unit_roundoff(out) * std::abs(expected) + (0x1p-24 * units + operands) * largest_value +
           least;
  }
};

/// The largest absolute value.
inline double largest(const proof::Tensor& tensor) {
  double most = 0;
  for (std::int64_t i = 0; i < tensor.count(); ++i) most = std::max(most, std::abs(tensor.at(i)));
  return most;
}

/// For queries of at most `q` in absolute value.
inline AttentionTolerance tolerance_of(const proof::Cache& cache, double q, float scale) {
  double k_max = 0;
  double v_max = 0;
  cache.each([&](auto... at) {
    k_max = std::max(k_max, std::abs(cache.key(at...)));
    v_max = std::max(v_max, std::abs(cache.value(at...)));
  });
  const auto lens = cache.table().kv_lens;
  const double longest = lens.empty() ? 0 : *std::max_element(lens.begin(), lens.end());
  const auto dim = static_cast<double>(cache.shape().head_dim);
  return {static_cast<double>(scale) * dim * q * k_max, longest, v_max, dim};
}

inline AttentionTolerance tolerance_of(const proof::Decode& op, const Rounding& rounding) {
  AttentionTolerance t = tolerance_of(op.cache, largest(op.q), op.scale * proof::Decode::kKeyScale);
  t.largest_value *= static_cast<double>(proof::Decode::kValueScale);
  t.rounding = rounding;
  return t;
}

inline AttentionTolerance tolerance_of(const proof::Prefill& op, const Rounding& rounding) {
  AttentionTolerance t = tolerance_of(op.cache, largest(op.q), op.scale);
  t.rounding = rounding;
  return t;
}

}  // namespace terrace::kernels::tests
