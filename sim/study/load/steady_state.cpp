#include "sim/study/load/steady_state.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/study/statistics.hpp"

namespace terrace {
namespace {

constexpr std::size_t kMserBatch = 5;
constexpr std::size_t kBatches = 20;
constexpr double kLeastSlope = 0.01;

using Batches = std::array<double, kBatches>;

/// The last few values, fewer than a batch in all, are left out.
Batches batch_means(std::span<const double> values) {
  const std::size_t width = values.size() / kBatches;
  Batches means{};
  for (std::size_t k = 0; k < kBatches; ++k) {
    for (const double value : values.subspan(k * width, width)) means[k] += value;
    means[k] /= static_cast<double>(width);
  }
  return means;
}

struct Slope {
  double value = 0;
  double error = 0;  // standard, of independent residuals
};

/// Least squares of y over x.
Slope slope_of(const Batches& x, const Batches& y) {
  double mean_x = 0;
  double mean_y = 0;
  for (std::size_t k = 0; k < kBatches; ++k) {
    mean_x += x[k] / kBatches;
    mean_y += y[k] / kBatches;
  }
  double xx = 0;
  double xy = 0;
  for (std::size_t k = 0; k < kBatches; ++k) {
    xx += (x[k] - mean_x) * (x[k] - mean_x);
    xy += (x[k] - mean_x) * (y[k] - mean_y);
  }
  if (!(xx > 0)) return {};  // all came at once
  const double slope = xy / xx;
  double residue = 0;
  for (std::size_t k = 0; k < kBatches; ++k) {
    const double off = y[k] - mean_y - slope * (x[k] - mean_x);
    residue += off * off;
  }
  return {slope, std::sqrt(residue / (kBatches - 2) / xx)};
}

}  // namespace

std::size_t warm_up(std::span<const double> values) {
  const std::size_t batches = values.size() / kMserBatch;
  if (batches < 2) return 0;
  std::vector<double> means(batches);
  for (std::size_t k = 0; k < batches; ++k) {
    for (const double value : values.subspan(k * kMserBatch, kMserBatch)) means[k] += value;
    means[k] /= kMserBatch;
  }
  // From the end to the beginning, by Welford's recurrence.
  double n = 0;
  double mean = 0;
  double squares = 0;
  double least = HUGE_VAL;
  std::size_t cut = 0;
  for (std::size_t k = batches; k-- > 0;) {
    n += 1;
    const double off = means[k] - mean;
    mean += off / n;
    squares += off * (means[k] - mean);
    const double error = squares / (n * n);
    // Of equals, the shorter truncation: where nothing varies, nothing is left out.
    if (k <= batches / 2 && error <= least) {
      least = error;
      cut = k;
    }
  }
  return cut * kMserBatch;
}

bool grows(std::span<const double> arrivals, std::span<const double> waits) {
  TERRACE_CHECK(arrivals.size() == waits.size());
  if (waits.size() < kBatches) return false;
  const Batches wait = batch_means(waits);
  const Slope slope = slope_of(batch_means(arrivals), wait);
  if (slope.value <= kLeastSlope) return false;
  if (slope.value <= t_quantile(kBatches - 2) * slope.error) return false;
  constexpr std::size_t kQuarter = kBatches / 4;
  double first = 0;
  for (std::size_t k = 0; k < kQuarter; ++k) first += wait[k] / kQuarter;
  return *std::min_element(wait.end() - kQuarter, wait.end()) > first;
}

}  // namespace terrace
