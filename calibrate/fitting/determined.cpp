#include "calibrate/fitting/determined.hpp"

#include <algorithm>
#include <cmath>

#include <Eigen/Dense>
#include <fmt/format.h>

#include "calibrate/fitting/bounds.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/cost/kernel_profile.hpp"

namespace terrace::calibrate {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kOnBound = 1e-3;     // of the way between the bounds
constexpr double kDerivative = 1e-4;  // likewise
constexpr double kAnything = 0.3;     // standard error, likewise: the interval is all there is
constexpr double kMagnitude = 0.7;    // standard error of a logarithm: a factor of 4 either way
constexpr double kNothing = 1e-3;     // of a time
constexpr double kNearby = 0.1;       // of the way between the bounds
constexpr double kWide = 0.6;         // of the way between the bounds, for an interval
constexpr double kAlike = 1e-9;       // of normalised normal equations: exactly dependent

enum class Where { inside, at_low, at_high };

Where where(const forms::Parameter& parameter, double value) {
  const double share = to_share(parameter, value);
  return share < kOnBound ? Where::at_low : share > 1 - kOnBound ? Where::at_high : Where::inside;
}

/// Whether a fit that ends on that bound says anything. No time of a start is a finding; a rate
/// without limit is none: nothing in the points is limited by it.
bool means_something(const forms::Parameter& parameter, Where place) {
  switch (parameter.unit) {
    case forms::Unit::none:
      return true;
    case forms::Unit::time:
    case forms::Unit::bytes:
      return place == Where::at_low;
    case forms::Unit::bandwidth:
    case forms::Unit::flop_rate:
      break;
  }
  return false;
}

bool is_rate(const forms::Parameter& parameter) {
  return parameter.unit == forms::Unit::bandwidth || parameter.unit == forms::Unit::flop_rate;
}

/// A shape, such as the sharpness of a knee, may be anything: times hardly depend on it then.
std::string any_shape(const forms::Parameter& parameter) {
  return fmt::format("'{}' ({}) could be almost anything within its bounds", parameter.name,
                     parameter.doc);
}

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw config::ConfigError(fmt::format("{}: error: {}", name, what));
}

/// d log(time) / d share of the parameters `free`, by row.
MatrixXd sensitivities(const Problem& problem, const Selection& sample, const Solution& solution,
                       const std::vector<std::size_t>& free) {
  MatrixXd all(static_cast<Eigen::Index>(sample.cases.size()),
               static_cast<Eigen::Index>(free.size()));
  for (std::size_t j = 0; j < free.size(); ++j) {
    const forms::Parameter& parameter = problem.parameters[free[j]];
    const double share = to_share(parameter, solution.values[free[j]]);
    const double low = std::max(0.0, share - kDerivative);
    const double high = std::min(1.0, share + kDerivative);
    std::vector<double> moved = solution.values;
    moved[free[j]] = from_share(parameter, low);
    const std::vector<double> below = residuals(problem, sample, moved);
    moved[free[j]] = from_share(parameter, high);
    const std::vector<double> above = residuals(problem, sample, moved);
    for (std::size_t i = 0; i < below.size(); ++i) {
      all(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) =
          (above[i] - below[i]) / (high - low);
    }
  }
  return all;
}

/// Whether times hardly change with it: a time down to its lower bound, a shape nearby.
bool negligible(const Problem& problem, const Selection& sample, const Solution& solution,
                std::size_t j) {
  const forms::Parameter& parameter = problem.parameters[j];
  if (parameter.unit != forms::Unit::time && parameter.unit != forms::Unit::none) return false;
  std::vector<double> moved = solution.values;
  const double share = to_share(parameter, moved[j]);
  moved[j] = parameter.unit == forms::Unit::time
                 ? parameter.low
                 : from_share(parameter, share < 0.5 ? share + kNearby : share - kNearby);
  const std::vector<double> there = residuals(problem, sample, moved);
  const std::vector<double> here = residuals(problem, sample, solution.values);
  return std::equal(here.begin(), here.end(), there.begin(),
                    [](double x, double y) { return std::abs(x - y) < kNothing; });
}

}  // namespace

void check_determined(const Problem& problem, const Selection& sample, const Solution& solution,
                      const std::string& name, std::vector<std::string>& notes) {
  std::vector<std::size_t> free;
  for (std::size_t j = 0; j < problem.parameters.size(); ++j) {
    const forms::Parameter& parameter = problem.parameters[j];
    const Where place = where(parameter, solution.values[j]);
    if (place == Where::inside && negligible(problem, sample, solution, j)) {
      notes.push_back(fmt::format("'{}' ({}) does not matter here", parameter.name, parameter.doc));
      continue;
    }
    if (place == Where::inside) {
      free.push_back(j);
      continue;
    }
    const std::string bound =
        text_of(parameter.unit, place == Where::at_low ? parameter.low : parameter.high);
    if (parameter.name == kBandwidth && place == Where::at_high) {
      free.push_back(j);  // as much as there is; whether points depend on it is seen below
    } else if (!means_something(parameter, place)) {
      refuse(name, fmt::format("'{}' ({}) ran into its bound of {}: these points do not determine "
                               "it; measure over a wider range",
                               parameter.name, parameter.doc, bound));
    }
    notes.push_back(fmt::format("'{}' is on its bound of {}", parameter.name, bound));
  }
  if (free.empty()) return;

  const MatrixXd slopes = sensitivities(problem, sample, solution, free);
  const std::vector<double> r = residuals(problem, sample, solution.values);
  const VectorXd norms = slopes.colwise().norm();
  for (std::size_t j = 0; j < free.size(); ++j) {
    if (norms[static_cast<Eigen::Index>(j)] > 1e-6) continue;
    const forms::Parameter& parameter = problem.parameters[free[j]];
    refuse(name, fmt::format("no point depends on '{}' ({}); measure where it matters",
                             parameter.name, parameter.doc));
  }
  const MatrixXd scaled = slopes * norms.cwiseInverse().asDiagonal();
  const MatrixXd normal = scaled.transpose() * scaled;
  const Eigen::SelfAdjointEigenSolver<MatrixXd> eigen(normal);
  if (eigen.eigenvalues()[0] < kAlike) {
    std::string who;
    for (std::size_t j = 0; j < free.size(); ++j) {
      if (std::abs(eigen.eigenvectors()(static_cast<Eigen::Index>(j), 0)) < 0.1) continue;
      who += fmt::format("{}'{}'", who.empty() ? "" : ", ", problem.parameters[free[j]].name);
    }
    refuse(name, fmt::format("these points cannot tell {} apart: all lie in one regime; measure "
                             "over a wider range",
                             who));
  }

  // The spread of the middle, as outliers should not hide that the rest says enough.
  std::vector<double> sizes;
  for (const double one : r) sizes.push_back(std::abs(one));
  std::nth_element(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2),
                   sizes.end());
  const double spread = std::max(1.4826 * sizes[sizes.size() / 2], 1e-6);
  const MatrixXd covariance = normal.inverse();
  for (std::size_t j = 0; j < free.size(); ++j) {
    const auto at = static_cast<Eigen::Index>(j);
    const forms::Parameter& parameter = problem.parameters[free[j]];
    const double error = spread * std::sqrt(covariance(at, at)) / norms[at];
    const double magnitude =
        by_magnitude(parameter) ? error * std::log(parameter.high / parameter.low) : 0;
    if (error < kAnything && !(is_rate(parameter) && magnitude > kMagnitude)) continue;
    if (parameter.unit == forms::Unit::none) {
      notes.push_back(any_shape(parameter));
      continue;
    }
    refuse(name,
           fmt::format(
               "these points do not determine '{}' ({}): {} with a standard error of "
               "{}; measure over a wider range",
               parameter.name, parameter.doc,
               text_of(parameter.unit, as_kept(parameter.unit, solution.values[free[j]])),
               by_magnitude(parameter)
                   ? fmt::format("a factor of {:.2g}", std::exp(magnitude))
                   : text_of(parameter.unit,
                             as_kept(parameter.unit, error * (parameter.high - parameter.low)))));
  }
}

void check_intervals(const Problem& problem, const Selection& sample, const Solution& solution,
                     std::span<const Interval> intervals, const std::string& name,
                     std::vector<std::string>& notes) {
  for (std::size_t j = 0; j < problem.parameters.size(); ++j) {
    const forms::Parameter& parameter = problem.parameters[j];
    const Interval& interval = intervals[j];
    const double width = to_share(parameter, interval.high) - to_share(parameter, interval.low);
    const bool orders =
        is_rate(parameter) && std::log(interval.high / interval.low) > 4 * kMagnitude;
    if (width < kWide && !orders) continue;
    if (negligible(problem, sample, solution, j)) continue;  // noted above
    const std::string note = any_shape(parameter);
    if (parameter.unit == forms::Unit::none) {
      if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(note);
      continue;
    }
    refuse(name,
           fmt::format("these points do not determine '{}' ({}): anything from {} to {} fits; "
                       "measure over a wider range",
                       parameter.name, parameter.doc,
                       text_of(parameter.unit, as_kept(parameter.unit, interval.low)),
                       text_of(parameter.unit, as_kept(parameter.unit, interval.high))));
  }
}

}  // namespace terrace::calibrate
