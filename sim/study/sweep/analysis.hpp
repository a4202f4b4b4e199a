#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/study/statistics.hpp"
#include "sim/study/sweep/sweep.hpp"

namespace terrace {

/// How an arm compares with the best one.
enum class Standing : std::uint8_t {
  best,
  tied,    // the paired interval of the difference includes 0
  behind,  // it does not
  unknown  // fewer than two pairs: nothing can be said
};

struct RankedArm {
  std::size_t arm = 0;
  MeanEstimate value;
  Standing standing = Standing::unknown;
};

/// How an arm differs from a base in one metric.
struct Comparison {
  std::size_t arm = 0;
  std::size_t metric = 0;
  MeanEstimate base;               // over the seeds that both have
  MeanEstimate difference;         // paired
  std::optional<double> relative;  // difference / base
};

/// What the results of a plan say. All of it is about runs that did not fail.
class SweepAnalysis {
 public:
  SweepAnalysis(const SweepPlan& plan, const SweepResults& results);

  /// Nothing if no run of the arm has a value.
  [[nodiscard]] std::optional<MeanEstimate> estimate(std::size_t arm, std::size_t metric) const;

  /// Arms by the metric, the best first; equal ones in the order of the plan. Arms without a value
  /// are left out.
  [[nodiscard]] std::vector<RankedArm> ranking(std::size_t metric) const;

  /// Arms that no other one beats in all `metrics`, in the order of the plan, by their means.
  [[nodiscard]] std::vector<std::size_t> pareto(const std::vector<std::size_t>& metrics) const;

  /// Every other arm against `base`, in every metric that both have a value of.
  [[nodiscard]] std::vector<Comparison> compare(std::size_t base,
                                                const std::vector<std::size_t>& metrics) const;

  /// How many runs failed with each message, the most frequent first.
  [[nodiscard]] std::vector<std::pair<std::string, std::size_t>> failures() const;

  /// Runs of an arm that failed.
  [[nodiscard]] std::size_t failed(std::size_t arm) const;

 private:
  [[nodiscard]] std::optional<double> value(std::size_t arm, std::size_t seed,
                                            std::size_t metric) const;
  [[nodiscard]] std::vector<std::pair<double, double>> pairs(std::size_t arm, std::size_t base,
                                                             std::size_t metric) const;

  const SweepPlan& plan_;
  const SweepResults& results_;
};

}  // namespace terrace
