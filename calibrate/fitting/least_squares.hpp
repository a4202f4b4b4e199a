#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "calibrate/fitting/forms/adapter.hpp"
#include "sim/cost/forms/form.hpp"

namespace terrace::calibrate {

/// Find the parameters of a law from what some cases took.
struct Problem {
  const Law* law = nullptr;
  std::span<const forms::Parameter> parameters;
  std::span<const double> measured;   // seconds, by case; all positive
  std::span<const double> weights{};  // by case, positive; none: all alike
};

/// What a point counts whose batches spread so far, as (P90 - P10) / median: the inverse of the
/// variance that the law is off by, as the loss has it, and the point besides. 1 for a point that
/// is known exactly, 1/2 if it is known to 10 %, as much as laws usually are off.
double weight_of(double spread);

/// The cases that a fit sees, and how often it sees each.
struct Selection {
  std::vector<std::uint32_t> cases;
  std::vector<double> weights;  // as many

  /// All cases below n, once.
  static Selection all(std::size_t n);
};

struct Solution {
  std::vector<double> values;  // of the parameters
  double cost = 0;             // what was minimised; infinite if there is no solution
};

struct Effort {
  int steps = 200;
  double tolerance = 1e-10;  // stop when a step gains less of the cost
};

/// Minimises the soft-L1 loss, scale 0.1, of log(predicted / measured) by Levenberg and Marquardt's
/// method from `start`: errors up to some 10 % count by their square, larger ones by their size, so
/// that a few outliers do not bend the law. Parameters stay within their bounds because the method
/// moves their logits, of their logarithm where the lower bound is positive. O(steps * parameters *
/// cases).
Solution descend(const Problem& problem, const Selection& sample, std::span<const double> start,
                 const Effort& effort = {});

/// The best of several descents: from where the form says, and from random places. These are made
/// on a part of a large sample, and the best goes on with all of it.
Solution solve(const Problem& problem, const Selection& sample, std::uint64_t seed);

/// log(predicted / measured) of the sample's cases.
std::vector<double> residuals(const Problem& problem, const Selection& sample,
                              std::span<const double> values);

}  // namespace terrace::calibrate
