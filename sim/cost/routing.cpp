#include "sim/cost/routing.hpp"

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/base/portable_math.hpp"

namespace terrace {

Routing::Routing(std::int64_t experts, std::int64_t top_k, double skew) {
  TERRACE_CHECK(top_k >= 1 && top_k <= experts && skew >= 0);
  auto left = static_cast<double>(top_k);
  if (skew == 0) {
    each_ = static_cast<double>(experts);
    picked_ = {left / each_};
    return;
  }
  double rest = 0;
  for (std::int64_t rank = 1; rank <= experts; ++rank) {
    picked_.push_back(portable::pow(static_cast<double>(rank), -skew));
    rest += picked_.back();
  }
  // From the most popular on: whose share would exceed one gets one.
  for (double& p : picked_) {
    const double share = std::min(1.0, p * left / rest);
    rest -= p;
    left -= share;
    p = share;
  }
}

double Routing::touched(std::int64_t tokens) const {
  TERRACE_CHECK(tokens >= 0);
  double sum = 0;
  for (const double p : picked_) {
    sum += 1 - (p < 1 ? portable::pow(1 - p, static_cast<double>(tokens)) : tokens == 0 ? 1 : 0);
  }
  return each_ * sum;
}

}  // namespace terrace
