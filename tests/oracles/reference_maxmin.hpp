#pragma once

#include <cstddef>
#include <vector>

/// Weighted max-min fairness with consumption coefficients, as slow and as plain as its definition.
/// The sharing of bandwidth under test must agree with it.
namespace terrace::oracle {

struct MaxMinProblem {
  std::vector<double> capacity;                  // [resource]
  std::vector<std::vector<double>> consumption;  // [flow][resource], 0: does not use it
  std::vector<double> cap;                       // [flow], of its rate
  std::vector<double> weight;                    // [flow]
};

/// Raises a common level by bisection until somebody must stop; whoever cannot go on is frozen
/// there; the others rise on. Rates are exact to about 1e-9.
inline std::vector<double> reference_max_min(const MaxMinProblem& problem) {
  const std::size_t flows = problem.cap.size();
  const std::size_t resources = problem.capacity.size();
  std::vector<double> rate(flows, 0);
  std::vector<bool> frozen(flows, false);

  const auto rates_at = [&](double level) {
    std::vector<double> rates = rate;
    for (std::size_t f = 0; f < flows; ++f) {
      if (frozen[f]) continue;
      rates[f] = problem.weight[f] * level;
      if (rates[f] > problem.cap[f]) rates[f] = problem.cap[f];
    }
    return rates;
  };
  const auto load = [&](const std::vector<double>& rates, std::size_t resource) {
    double sum = 0;
    for (std::size_t f = 0; f < flows; ++f) sum += problem.consumption[f][resource] * rates[f];
    return sum;
  };
  const auto feasible = [&](double level) {
    const std::vector<double> rates = rates_at(level);
    for (std::size_t r = 0; r < resources; ++r) {
      if (load(rates, r) > problem.capacity[r] * (1 + 1e-13)) return false;
    }
    return true;
  };

  for (std::size_t left = flows; left > 0;) {
    double low = 0;
    double high = 1;
    for (std::size_t f = 0; f < flows; ++f) {
      const double top = problem.cap[f] / problem.weight[f];
      if (!frozen[f] && top > high) high = top;
    }
    for (int i = 0; i < 200 && !feasible(high); ++i) {
      const double middle = low + (high - low) / 2;
      (feasible(middle) ? low : high) = middle;
      if (high - low <= 1e-15 * high) break;
    }
    const double level = feasible(high) ? high : low;
    const std::vector<double> rates = rates_at(level);

    std::size_t stopped = 0;
    for (std::size_t f = 0; f < flows; ++f) {
      if (frozen[f]) continue;
      bool stuck = rates[f] >= problem.cap[f] * (1 - 1e-12);
      for (std::size_t r = 0; r < resources; ++r) {
        if (problem.consumption[f][r] > 0 && load(rates, r) >= problem.capacity[r] * (1 - 1e-10))
          stuck = true;
      }
      if (!stuck) continue;
      rate[f] = rates[f];
      frozen[f] = true;
      ++stopped;
    }
    if (stopped == 0) return {};  // the oracle contradicts itself
    left -= stopped;
  }
  return rate;
}

}  // namespace terrace::oracle
