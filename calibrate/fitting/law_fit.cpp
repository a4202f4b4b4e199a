#include "calibrate/fitting/law_fit.hpp"

#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "calibrate/fitting/bounds.hpp"
#include "calibrate/fitting/errors.hpp"
#include "calibrate/fitting/resampling.hpp"
#include "sim/config/diagnostics.hpp"

namespace terrace::calibrate {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr double kOnBound = 1e-3;  // of the way between the bounds
constexpr double kWide = 4;        // high / low of an interval that says little

class BorrowedLaw final : public Law {
 public:
  explicit BorrowedLaw(const LawProblem& problem) : problem_(problem) {}
  void seconds(std::span<const double> parameters, std::span<const std::uint32_t> which,
               std::span<double> out) const override {
    for (std::size_t i = 0; i < which.size(); ++i) out[i] = problem_.seconds(parameters, which[i]);
  }

 private:
  const LawProblem& problem_;
};

void check(const LawProblem& problem) {
  const auto refuse = [&](const std::string& what) {
    throw config::ConfigError(fmt::format("{}: error: {}", problem.name, what));
  };
  const std::size_t least = problem.parameters.size() + 1;
  if (problem.measured.size() < least) {
    refuse(fmt::format("{} point{} to fit {} parameters to: measure {} or more",
                       problem.measured.size(), problem.measured.size() == 1 ? "" : "s",
                       problem.parameters.size(), least));
  }
  for (const double one : problem.measured) {
    if (!(one > 0) || !std::isfinite(one)) {
      refuse(fmt::format("a point took {} s, which is no time: measure it again", one));
    }
  }
}

/// What the user should not take at its word.
void note(const forms::Parameter& parameter, const FittedParameter& found,
          std::vector<std::string>& notes) {
  const auto text = [&](double value) {
    return text_of(parameter.unit, as_kept(parameter.unit, value));
  };
  const double share = to_share(parameter, found.value);
  if (share < kOnBound || share > 1 - kOnBound) {
    notes.push_back(fmt::format("'{}' ({}) is on its bound of {}", parameter.name, parameter.doc,
                                text(found.value)));
  } else if (parameter.low > 0 && found.high > kWide * found.low) {
    notes.push_back(fmt::format("'{}' ({}) could be anything from {} to {}", parameter.name,
                                parameter.doc, text(found.low), text(found.high)));
  }
}

}  // namespace

LawFit fit_law(const LawProblem& problem, int replicates) {
  check(problem);
  const BorrowedLaw law(problem);
  const Problem squares{&law, problem.parameters, problem.measured};
  const std::size_t n = problem.measured.size();
  const Sample all = Sample::all(n);
  const Solution solution = solve(squares, all, kSeed);

  const auto groups = static_cast<std::uint32_t>(n);  // each point is its own
  const auto unseen =
      cross_validate(squares, all.cases, groups, solution, static_cast<int>(n), kSeed);
  LawFit fit;
  std::vector<std::string> of_groups;  // that there are few: points are all there is here
  const std::vector<Interval> intervals =
      bootstrap(squares, all.cases, groups, solution, replicates, kSeed, of_groups);
  for (std::size_t j = 0; j < problem.parameters.size(); ++j) {
    fit.parameters.push_back(
        {solution.values[j], intervals[j].low, intervals[j].high, intervals[j].standard_error});
    note(problem.parameters[j], fit.parameters.back(), fit.notes);
  }
  std::vector<double> predicted(n);
  law.seconds(solution.values, all.cases, predicted);
  fit.errors =
      errors_by_regime(problem.measured, predicted, unseen, problem.regime, problem.regimes);
  return fit;
}

}  // namespace terrace::calibrate
