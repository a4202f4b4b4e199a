#include "calibrate/fitting/errors.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "sim/base/quantile.hpp"

namespace terrace::calibrate {
namespace {

/// Fractions to a hundredth of a per cent: more digits would be noise.
double rounded(double value) { return std::round(value * 1e4) / 1e4; }

RegimeError errors_of(std::span<const double> measured, std::span<const double> predicted,
                      const std::optional<std::vector<double>>& unseen,
                      const std::vector<std::size_t>& which) {
  std::vector<double> sizes;
  std::vector<double> unseen_sizes;
  double sum = 0;
  double bias = 0;
  double off = 0;
  double time = 0;
  for (const std::size_t i : which) {
    const double error = predicted[i] / measured[i] - 1;
    sizes.push_back(std::abs(error));
    sum += std::abs(error);
    bias += error;
    off += std::abs(predicted[i] - measured[i]);
    time += measured[i];
    if (unseen) unseen_sizes.push_back(std::abs((*unseen)[i] / measured[i] - 1));
  }
  const auto n = static_cast<double>(which.size());
  RegimeError all{{},
                  static_cast<std::int64_t>(which.size()),
                  rounded(nearest_quantile(sizes, 0.5)),
                  rounded(nearest_quantile(sizes, 0.9)),
                  rounded(*std::max_element(sizes.begin(), sizes.end())),
                  rounded(sum / n),
                  rounded(off / time),
                  rounded(bias / n),
                  {},
                  {}};
  if (unseen) {
    all.cv_median = rounded(nearest_quantile(unseen_sizes, 0.5));
    all.cv_p90 = rounded(nearest_quantile(unseen_sizes, 0.9));
  }
  return all;
}

}  // namespace

std::vector<RegimeError> errors_by_regime(std::span<const double> measured,
                                          std::span<const double> predicted,
                                          const std::optional<std::vector<double>>& unseen,
                                          std::span<const std::uint32_t> regime,
                                          std::span<const std::string_view> names) {
  std::vector<RegimeError> all;
  const auto add = [&](std::string_view name, auto&& belongs) {
    std::vector<std::size_t> which;
    for (std::size_t i = 0; i < measured.size(); ++i) {
      if (belongs(i)) which.push_back(i);
    }
    if (which.empty()) return;
    all.push_back(errors_of(measured, predicted, unseen, which));
    all.back().regime = name;
  };
  add("all", [](std::size_t) { return true; });
  for (std::size_t r = 0; r < names.size() && names.size() > 1; ++r) {
    add(names[r], [&](std::size_t i) { return regime[i] == r; });
  }
  return all;
}

}  // namespace terrace::calibrate
