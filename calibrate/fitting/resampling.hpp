#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "calibrate/fitting/least_squares.hpp"

namespace terrace::calibrate {

/// What the cases took by fits that had not seen their group, by case: groups are dealt at random
/// to `folds` hands, and each hand is predicted from the others. Nothing if there is only one
/// group.
std::optional<std::vector<double>> cross_validate(const Problem& problem,
                                                  std::span<const std::uint32_t> group,
                                                  std::uint32_t groups, const Solution& solution,
                                                  int folds, std::uint64_t seed);

/// How far a parameter would move if the points had been others of the same kind.
struct Interval {
  double low = 0;   // 2.5 %
  double high = 0;  // 97.5 %
  double standard_error = 0;
};

/// By the bootstrap (Efron 1979): fits of as many groups, drawn with replacement. With fewer than
/// eight groups cases are drawn instead, and `notes` says so, as it does if it takes only a part of
/// the cases of each group to save time.
std::vector<Interval> bootstrap(const Problem& problem, std::span<const std::uint32_t> group,
                                std::uint32_t groups, const Solution& solution, int replicates,
                                std::uint64_t seed, std::vector<std::string>& notes);

}  // namespace terrace::calibrate
