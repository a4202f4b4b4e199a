#include "sim/study/sweep/analysis.hpp"

#include <algorithm>
#include <utility>

namespace terrace {
namespace {

/// Such that less is better.
double cost(const Metric& metric, double value) {
  return metric.better == Better::higher ? -value : value;
}

}  // namespace

SweepAnalysis::SweepAnalysis(const SweepPlan& plan, const SweepResults& results)
    : plan_(plan), results_(results) {}

std::optional<double> SweepAnalysis::value(std::size_t arm, std::size_t seed,
                                           std::size_t metric) const {
  const auto& run = results_.runs[arm * plan_.seeds.size() + seed];
  if (!run || run->status != RunStatus::ok) return std::nullopt;
  return run->values[metric];
}

std::vector<std::pair<double, double>> SweepAnalysis::pairs(std::size_t arm, std::size_t base,
                                                            std::size_t metric) const {
  std::vector<std::pair<double, double>> all;
  for (std::size_t seed = 0; seed < plan_.seeds.size(); ++seed) {
    const auto a = value(arm, seed, metric);
    const auto b = value(base, seed, metric);
    if (a && b) all.emplace_back(*a, *b);
  }
  return all;
}

std::optional<MeanEstimate> SweepAnalysis::estimate(std::size_t arm, std::size_t metric) const {
  std::vector<double> values;
  for (std::size_t seed = 0; seed < plan_.seeds.size(); ++seed) {
    if (const auto v = value(arm, seed, metric)) values.push_back(*v);
  }
  if (values.empty()) return std::nullopt;
  return terrace::estimate(values);
}

std::vector<RankedArm> SweepAnalysis::ranking(std::size_t metric) const {
  std::vector<RankedArm> ranked;
  for (std::size_t arm = 0; arm < plan_.arms.size(); ++arm) {
    if (const auto e = estimate(arm, metric)) ranked.push_back({arm, *e, Standing::unknown});
  }
  const Metric& by = plan_.known[metric];
  std::stable_sort(ranked.begin(), ranked.end(), [&](const RankedArm& a, const RankedArm& b) {
    return cost(by, a.value.mean) < cost(by, b.value.mean);
  });
  for (RankedArm& arm : ranked) {
    const std::size_t best = ranked.front().arm;
    if (arm.arm == best) {
      arm.standing = Standing::best;
      continue;
    }
    const auto both = pairs(arm.arm, best, metric);
    if (both.size() < 2) continue;
    arm.standing = paired_difference(both).includes_zero() ? Standing::tied : Standing::behind;
  }
  return ranked;
}

std::vector<std::size_t> SweepAnalysis::pareto(const std::vector<std::size_t>& metrics) const {
  std::vector<std::size_t> arms;
  std::vector<std::vector<double>> points;
  for (std::size_t arm = 0; arm < plan_.arms.size(); ++arm) {
    std::vector<double> point;
    for (const std::size_t metric : metrics) {
      if (const auto e = estimate(arm, metric)) point.push_back(cost(plan_.known[metric], e->mean));
    }
    if (point.size() != metrics.size()) continue;
    arms.push_back(arm);
    points.push_back(std::move(point));
  }
  const std::vector<bool> front = pareto_front(points);
  std::vector<std::size_t> best;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    if (front[i]) best.push_back(arms[i]);
  }
  return best;
}

std::vector<Comparison> SweepAnalysis::compare(std::size_t base,
                                               const std::vector<std::size_t>& metrics) const {
  std::vector<Comparison> all;
  for (std::size_t arm = 0; arm < plan_.arms.size(); ++arm) {
    if (arm == base) continue;
    for (const std::size_t metric : metrics) {
      const auto both = pairs(arm, base, metric);
      if (both.empty()) continue;
      std::vector<double> of_base;
      of_base.reserve(both.size());
      for (const auto& pair : both) of_base.push_back(pair.second);
      Comparison comparison{arm, metric, terrace::estimate(of_base), paired_difference(both), {}};
      comparison.relative = quotient(comparison.difference.mean, comparison.base.mean);
      all.push_back(comparison);
    }
  }
  return all;
}

std::vector<std::pair<std::string, std::size_t>> SweepAnalysis::failures() const {
  std::vector<std::pair<std::string, std::size_t>> all;
  for (const auto& run : results_.runs) {
    if (!run || run->status == RunStatus::ok) continue;
    const auto same =
        std::find_if(all.begin(), all.end(), [&](const auto& f) { return f.first == run->error; });
    if (same == all.end()) {
      all.emplace_back(run->error, 1);
    } else {
      ++same->second;
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return all;
}

std::size_t SweepAnalysis::failed(std::size_t arm) const {
  std::size_t count = 0;
  for (std::size_t seed = 0; seed < plan_.seeds.size(); ++seed) {
    const auto& run = results_.runs[arm * plan_.seeds.size() + seed];
    if (run && run->status != RunStatus::ok) ++count;
  }
  return count;
}

}  // namespace terrace
