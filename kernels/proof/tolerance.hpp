#pragma once

#include <cmath>

#include "kernels/element.hpp"

namespace terrace::kernels::proof {

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

}  // namespace terrace::kernels::proof
