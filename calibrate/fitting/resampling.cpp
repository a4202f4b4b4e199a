#include "calibrate/fitting/resampling.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "sim/base/quantile.hpp"
#include "sim/base/random.hpp"
#include "sim/base/shuffle.hpp"
#include "sim/report/human.hpp"

namespace terrace::calibrate {
namespace {

constexpr std::uint32_t kFewGroups = 8;
constexpr std::size_t kBootstrapCases = 10'000;  // 200 replicates of 8 parameters within a minute

Interval interval_of(std::vector<double> values, double best) {
  const double n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  std::sort(values.begin(), values.end());
  if (values.front() == values.back()) squares = 0;  // all on a bound
  return {std::min(best, interpolated_quantile(values, 0.025)),
          std::max(best, interpolated_quantile(values, 0.975)),
          std::sqrt(squares / std::max(1.0, n - 1))};
}

}  // namespace

std::optional<std::vector<double>> cross_validate(const Problem& problem,
                                                  std::span<const std::uint32_t> group,
                                                  std::uint32_t groups, const Solution& solution,
                                                  int folds, std::uint64_t seed) {
  if (groups < 2) return std::nullopt;
  std::vector<std::uint32_t> order(groups);
  std::iota(order.begin(), order.end(), 0U);
  Random random(seed, "calibrate.folds");
  shuffle(order, random);
  const std::uint32_t hands = std::min(groups, static_cast<std::uint32_t>(folds));
  std::vector<std::uint32_t> hand(groups);
  for (std::uint32_t i = 0; i < groups; ++i) hand[order[i]] = i % hands;

  std::vector<double> predicted(group.size());
  for (std::uint32_t fold = 0; fold < hands; ++fold) {
    Selection seen;
    Selection unseen;
    for (std::uint32_t i = 0; i < group.size(); ++i) {
      Selection& sample = hand[group[i]] == fold ? unseen : seen;
      sample.cases.push_back(i);
      sample.weights.push_back(1);
    }
    const Solution found = descend(problem, seen, solution.values, {60, 1e-8});
    std::vector<double> times(unseen.cases.size());
    problem.law->seconds(found.values, unseen.cases, times);
    for (std::size_t i = 0; i < times.size(); ++i) predicted[unseen.cases[i]] = times[i];
  }
  return predicted;
}

std::vector<Interval> bootstrap(const Problem& problem, std::span<const std::uint32_t> group,
                                std::uint32_t groups, const Solution& solution, int replicates,
                                std::uint64_t seed, std::vector<std::string>& notes) {
  const std::size_t n = group.size();
  const std::size_t stride = (n + kBootstrapCases - 1) / kBootstrapCases;
  if (stride > 1) {
    notes.push_back(fmt::format("intervals from 1 in {} points of each group", stride));
  }
  const bool by_group = groups >= kFewGroups;
  if (!by_group) {
    notes.push_back(
        fmt::format("intervals from single points, as there {} only {} group{}: they "
                    "do not tell how groups differ",
                    groups == 1 ? "is" : "are", groups, groups == 1 ? "" : "s"));
  }
  std::vector<std::vector<std::uint32_t>> drawn(by_group ? groups : 0);
  std::vector<std::size_t> seen(groups);
  for (std::uint32_t i = 0; i < n; ++i) {
    if ((seen[group[i]]++ + group[i]) % stride != 0) continue;
    if (by_group) {
      drawn[group[i]].push_back(i);
    } else {
      drawn.push_back({i});
    }
  }

  std::vector<std::vector<double>> values(problem.parameters.size());
  const Random stream(seed, "calibrate.bootstrap");
  for (int replicate = 0; replicate < replicates; ++replicate) {
    Random random = stream.fork(static_cast<std::uint64_t>(replicate));
    std::vector<double> times(drawn.size());
    for (std::size_t i = 0; i < drawn.size(); ++i) ++times[random.below(drawn.size())];
    Selection sample;
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      if (times[i] == 0) continue;
      sample.cases.insert(sample.cases.end(), drawn[i].begin(), drawn[i].end());
      sample.weights.insert(sample.weights.end(), drawn[i].size(), times[i]);
    }
    const Solution found = descend(problem, sample, solution.values, {25, 1e-5});
    for (std::size_t j = 0; j < values.size(); ++j) values[j].push_back(found.values[j]);
  }
  std::vector<Interval> all;
  for (std::size_t j = 0; j < values.size(); ++j) {
    all.push_back(interval_of(std::move(values[j]), solution.values[j]));
  }
  return all;
}

}  // namespace terrace::calibrate
