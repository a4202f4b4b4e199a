#include "sim/study/mrc/capacity_axis.hpp"

#include <algorithm>
#include <cmath>

#include "sim/base/check.hpp"
#include "sim/base/portable_math.hpp"

namespace terrace {
namespace {

constexpr std::int64_t kFromNothing = 1024;  // the least capacity beside 0 is high / this

}  // namespace

std::vector<std::int64_t> geometric_capacities(std::int64_t low, std::int64_t high,
                                               std::int64_t points) {
  TERRACE_CHECK(0 <= low && low <= high && points >= 1);
  std::vector<std::int64_t> all;
  if (low == 0 && points > 1) {
    all.push_back(0);
    --points;
    low = std::clamp<std::int64_t>(high / kFromNothing, std::min<std::int64_t>(1, high), high);
  }
  if (points > 1 && low > 0) {
    const double from = portable::ln(static_cast<double>(low));
    const double step =
        (portable::ln(static_cast<double>(high)) - from) / static_cast<double>(points - 1);
    for (std::int64_t i = 0; i + 1 < points; ++i) {
      const double exact = portable::exp(from + step * static_cast<double>(i));
      all.push_back(std::clamp<std::int64_t>(std::llround(exact), low, high));
    }
  }
  all.push_back(high);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

std::optional<std::size_t> knee(std::span<const std::int64_t> capacities,
                                std::span<const double> hits) {
  TERRACE_CHECK(capacities.size() == hits.size());
  const std::size_t first = !capacities.empty() && capacities.front() == 0 ? 1 : 0;
  if (capacities.size() < first + 3) return std::nullopt;
  const auto x = [&](std::size_t i) { return portable::ln(static_cast<double>(capacities[i])); };
  const std::size_t last = capacities.size() - 1;
  std::optional<std::size_t> best;
  double most = 1e-12 * std::abs(hits[last]);  // not by rounding alone
  for (std::size_t i = first + 1; i < last; ++i) {
    const double part = (x(i) - x(first)) / (x(last) - x(first));
    const double above = hits[i] - (hits[first] + (hits[last] - hits[first]) * part);
    if (above <= most) continue;
    most = above;
    best = i;
  }
  return best;
}

std::optional<std::size_t> reaching(double part, double achievable, std::span<const double> hits) {
  for (std::size_t i = 0; i < hits.size(); ++i) {
    if (achievable > 0 && hits[i] >= part * achievable) return i;
  }
  return std::nullopt;
}

}  // namespace terrace
