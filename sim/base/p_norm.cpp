#include "sim/base/p_norm.hpp"

#include <algorithm>
#include <cmath>

#include "sim/base/portable_math.hpp"

namespace terrace {
namespace {

/// The smaller over the larger, so that no power overflows.
double ratio_of(double a, double b) {
  const double larger = std::max(a, b);
  return larger > 0 ? std::min(a, b) / larger : 0;
}

}  // namespace

double p_norm(double a, double b, double p) {
  const double larger = std::max(a, b);
  const double ratio = ratio_of(a, b);
  if (ratio <= 0) return larger;
  if (p == 1) return a + b;
  if (p == 2) return larger * std::sqrt(1 + ratio * ratio);  // correctly rounded everywhere
  // Half the time of two calls of pow, and as exact as a model of time needs.
  const double power = portable::exp(p * portable::ln(ratio));
  return larger * portable::exp(portable::ln1p(power) / p);
}

double p_norm3(double a, double b) {
  const double ratio = ratio_of(a, b);
  return std::max(a, b) * portable::pow(1 + ratio * ratio * ratio, 1.0 / 3);
}

double p_norm4(double a, double b) {
  const double ratio = ratio_of(a, b);
  return std::max(a, b) * std::sqrt(std::sqrt(1 + ratio * ratio * ratio * ratio));
}

}  // namespace terrace
