#include "calibrate/fitting/least_squares.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <Eigen/Dense>

#include "calibrate/fitting/bounds.hpp"
#include "sim/base/portable_math.hpp"
#include "sim/base/random.hpp"

namespace terrace::calibrate {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kSoft = 0.1;     // of the loss: 10 %
constexpr double kStep = 1e-5;    // of a logit, for derivatives
constexpr double kFarthest = 16;  // a logit: within 1e-7 of a bound
constexpr double kLargestDamping = 1e12;
constexpr std::size_t kStartCases = 1500;
constexpr int kStarts = 8;

double share_of(double logit) { return 1 / (1 + portable::exp(-logit)); }
double logit_of(double share) {
  constexpr double kEdge = 1e-4;  // a start on a bound could not leave it
  const double inner = std::clamp(share, kEdge, 1 - kEdge);
  return portable::ln(inner / (1 - inner));
}

/// The problem in logits.
class Descent {
 public:
  Descent(const Problem& problem, const Selection& sample)
      : problem_(problem), sample_(sample), times_(sample.cases.size()) {
    log_measured_.reserve(sample.cases.size());
    for (const std::uint32_t i : sample.cases) {
      log_measured_.push_back(portable::ln(problem.measured[i]));
    }
  }

  [[nodiscard]] std::vector<double> values(const VectorXd& logits) const {
    std::vector<double> all;
    for (Eigen::Index j = 0; j < logits.size(); ++j) {
      all.push_back(
          from_share(problem_.parameters[static_cast<std::size_t>(j)], share_of(logits[j])));
    }
    return all;
  }

  /// False if the law gives no time to some case.
  bool residuals(const VectorXd& logits, VectorXd& out) {
    problem_.law->seconds(values(logits), sample_.cases, times_);
    for (std::size_t i = 0; i < times_.size(); ++i) {
      if (!(times_[i] > 0) || !std::isfinite(times_[i])) return false;
      out[static_cast<Eigen::Index>(i)] = portable::ln(times_[i]) - log_measured_[i];
    }
    return true;
  }

  [[nodiscard]] double cost(const VectorXd& r) const {
    double sum = 0;
    for (Eigen::Index i = 0; i < r.size(); ++i) {
      const double x = r[i] / kSoft;
      sum += weight(i) * 2 * (std::sqrt(1 + x * x) - 1);
    }
    return sum;
  }

  /// The normal equations of the reweighted problem at `logits`, where residuals are r.
  void linearise(const VectorXd& logits, const VectorXd& r, MatrixXd& normal, VectorXd& gradient) {
    const Eigen::Index n = r.size();
    jacobian_.resize(n, logits.size());
    VectorXd moved(n);
    for (Eigen::Index j = 0; j < logits.size(); ++j) {
      VectorXd there = logits;
      there[j] += kStep;
      if (residuals(there, moved)) {
        jacobian_.col(j) = (moved - r) / kStep;
      } else {
        jacobian_.col(j).setZero();
      }
    }
    VectorXd w(n);
    for (Eigen::Index i = 0; i < n; ++i) {
      const double x = r[i] / kSoft;
      w[i] = weight(i) / std::sqrt(1 + x * x);
    }
    normal = jacobian_.transpose() * w.asDiagonal() * jacobian_;
    gradient = jacobian_.transpose() * w.cwiseProduct(r);
  }

 private:
  [[nodiscard]] double weight(Eigen::Index i) const {
    const auto at = static_cast<std::size_t>(i);
    const double own = problem_.weights.empty() ? 1 : problem_.weights[sample_.cases[at]];
    return own * sample_.weights[at];
  }

  const Problem& problem_;
  const Selection& sample_;
  std::vector<double> log_measured_;
  std::vector<double> times_;
  MatrixXd jacobian_;
};

}  // namespace

double weight_of(double spread) {
  constexpr double kSpreadOfNormal = 2.563;  // P90 - P10 in standard deviations
  const double known = spread / kSpreadOfNormal / kSoft;
  return 1 / (1 + known * known);
}

Selection Selection::all(std::size_t n) {
  Selection sample{std::vector<std::uint32_t>(n), std::vector<double>(n, 1.0)};
  std::iota(sample.cases.begin(), sample.cases.end(), 0U);
  return sample;
}

std::vector<double> residuals(const Problem& problem, const Selection& sample,
                              std::span<const double> values) {
  std::vector<double> all(sample.cases.size());
  problem.law->seconds(values, sample.cases, all);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = portable::ln(all[i] / problem.measured[sample.cases[i]]);
  }
  return all;
}

Solution descend(const Problem& problem, const Selection& sample, std::span<const double> start,
                 const Effort& effort) {
  Descent descent(problem, sample);
  const auto d = static_cast<Eigen::Index>(problem.parameters.size());
  const auto n = static_cast<Eigen::Index>(sample.cases.size());
  VectorXd at(d);
  for (Eigen::Index j = 0; j < d; ++j) {
    const auto i = static_cast<std::size_t>(j);
    at[j] = logit_of(to_share(problem.parameters[i], start[i]));
  }
  VectorXd r(n);
  if (!descent.residuals(at, r)) {
    return {{start.begin(), start.end()}, std::numeric_limits<double>::infinity()};
  }
  double cost = descent.cost(r);
  double damping = 1e-3;
  MatrixXd normal;
  VectorXd gradient;
  VectorXd tried(n);
  for (int step = 0; step < effort.steps; ++step) {
    descent.linearise(at, r, normal, gradient);
    const double floor = 1e-9 * std::max(normal.diagonal().maxCoeff(), 1e-30);
    double gain = 0;
    while (damping < kLargestDamping) {
      MatrixXd damped = normal;
      damped.diagonal() += damping * (normal.diagonal().array() + floor).matrix();
      const VectorXd move = damped.ldlt().solve(-gradient).cwiseMax(-4).cwiseMin(4);
      const VectorXd there = (at + move).cwiseMax(-kFarthest).cwiseMin(kFarthest);
      const double costs = descent.residuals(there, tried)
                               ? descent.cost(tried)
                               : std::numeric_limits<double>::infinity();
      if (costs < cost) {
        gain = cost - costs;
        cost = costs;
        at = there;
        std::swap(r, tried);
        damping = std::max(damping / 5, 1e-12);
        break;
      }
      damping *= 4;
    }
    if (gain <= effort.tolerance * cost) break;
  }
  return {descent.values(at), cost};
}

Solution solve(const Problem& problem, const Selection& sample, std::uint64_t seed) {
  Random random(seed, "calibrate.starts");
  Selection part;
  const std::size_t stride = (sample.cases.size() + kStartCases - 1) / kStartCases;
  const std::size_t offset = random.below(stride);
  for (std::size_t i = offset; i < sample.cases.size(); i += stride) {
    part.cases.push_back(sample.cases[i]);
    part.weights.push_back(sample.weights[i]);
  }
  Solution best{{}, std::numeric_limits<double>::infinity()};
  for (int start = 0; start < kStarts; ++start) {
    std::vector<double> from;
    for (const forms::Parameter& parameter : problem.parameters) {
      const double share = 0.1 + 0.8 * random.uniform();
      from.push_back(start == 0 ? parameter.start : from_share(parameter, share));
    }
    const Solution found = descend(problem, part, from, {80, 1e-8});
    if (best.values.empty() || found.cost < best.cost) best = found;
  }
  return descend(problem, sample, best.values);
}

}  // namespace terrace::calibrate
