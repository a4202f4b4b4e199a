#pragma once

#include <algorithm>

#include "sim/base/portable_math.hpp"
#include "sim/cost/forms/form.hpp"

namespace terrace::calibrate {

/// Between a parameter's bounds, 0 to 1: by its logarithm if the lower bound is positive, so that
/// orders of magnitude count alike.
inline bool by_magnitude(const forms::Parameter& p) { return p.low > 0; }

inline double to_share(const forms::Parameter& p, double value) {
  const double share = by_magnitude(p) ? portable::ln(value / p.low) / portable::ln(p.high / p.low)
                                       : (value - p.low) / (p.high - p.low);
  return std::clamp(share, 0.0, 1.0);
}

inline double from_share(const forms::Parameter& p, double share) {
  const double value = by_magnitude(p) ? p.low * portable::exp(share * portable::ln(p.high / p.low))
                                       : p.low + share * (p.high - p.low);
  return std::clamp(value, p.low, p.high);
}

}  // namespace terrace::calibrate
