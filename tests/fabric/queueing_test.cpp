// The fabric against queueing theory. Each case draws Poisson arrivals on one link of rate B and
// compares means with a closed form, within four standard errors by the method of batch means
// (20 batches), which must themselves be below the stated part of the mean.

#include <cmath>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/random.hpp"
#include "sim/base/samplers.hpp"
#include "tests/fabric/workbench.hpp"

namespace terrace {
namespace {

using namespace literals;
using testing::Workbench;

constexpr double kBandwidth = 10e9;
constexpr double kMeanBytes = 1e6;
constexpr double kService = kMeanBytes / kBandwidth;  // seconds

struct Estimate {
  double mean = 0;
  double error = 0;  // standard, of the mean
};

Estimate batch_means(const std::vector<double>& values) {
  constexpr std::size_t kBatches = 20;
  const std::size_t each = values.size() / kBatches;
  std::vector<double> means;
  double mean = 0;
  for (std::size_t b = 0; b < kBatches; ++b) {
    double sum = 0;
    for (std::size_t i = 0; i < each; ++i) sum += values[b * each + i];
    means.push_back(sum / static_cast<double>(each));
    mean += means.back() / kBatches;
  }
  double squares = 0;
  for (const double m : means) squares += (m - mean) * (m - mean);
  return {mean, std::sqrt(squares / (kBatches - 1) / kBatches)};
}

/// Poisson arrivals of transfers on one link.
struct Queue : Workbench {
  Queue(Discipline discipline, double load, std::function<double(Random&)> draw)
      : draw_size(std::move(draw)), gap(kService / load) {
    a = fabric.add_memory("a");
    b = fabric.add_memory("b");
    link(a, b, Bandwidth{kBandwidth}, {}, discipline);
    fabric.freeze();
    loop.post(Duration{}, ArrivalDue{0});
  }

  using Workbench::on;
  void on(const ArrivalDue&) {
    const auto size = static_cast<std::int64_t>(draw_size(sizes)) + 1;
    const TransferId id = fabric.start(a, b, Bytes{size}, 1);
    if (id.index() >= started.size()) started.resize(id.index() + 1);
    started[id.index()] = loop.now();
    bytes += static_cast<double>(size);
    if (--left > 0) loop.post(duration_from_seconds(exponential(gaps, gap)), ArrivalDue{0});
  }
  void on(const TransferDone& event) {
    sojourns.push_back(seconds(loop.now() - started[event.transfer.index()]));
  }
  Estimate sojourn() {
    loop.run(
        SimTime::max(), [] { return true; }, fabric, *this);
    return batch_means(sojourns);
  }

  std::function<double(Random&)> draw_size;
  double gap;
  int left = 100'000;
  MemoryId a;
  MemoryId b;
  Random gaps{1, "tests/queueing/gaps"};
  Random sizes{1, "tests/queueing/sizes"};
  std::vector<SimTime> started;
  std::vector<double> sojourns;
  double bytes = 0;
};

double fixed_size(Random&) { return kMeanBytes; }
double exponential_size(Random& random) { return exponential(random, kMeanBytes); }
double long_tailed_size(Random& random) {
  return lognormal(random, LogNormal::from_mean_cv(kMeanBytes, 2));
}

void expect_mean(const Estimate& measured, double expected, double part) {
  EXPECT_NEAR(measured.mean, expected, 4 * measured.error);
  EXPECT_LT(4 * measured.error, part * expected);
}

/// Sums of extra time over transfers equal what they took less what they would have taken alone.
void expect_queueing(const Queue& queue) {
  double lost = -queue.bytes / kBandwidth;
  for (const double sojourn : queue.sojourns) lost += sojourn;
  EXPECT_NEAR(queue.report(LinkId{0}).queueing.count(), lost, 1e-6 * lost);
}

/// M/G/1 with processor sharing: the mean depends on the sizes through their mean alone.
TEST(QueueingSlow, FairSharingIsInsensitiveToTheDistributionOfSizes) {
  for (const auto& size : {fixed_size, exponential_size, long_tailed_size}) {
    Queue queue(Discipline::fair, 0.6, size);
    expect_mean(queue.sojourn(), kService / (1 - 0.6), 0.12);
    expect_queueing(queue);
    EXPECT_NEAR(queue.report(LinkId{0}).utilisation, 0.6, 0.02);
  }
}

/// M/M/1 in order of arrival: 1 / (mu - lambda).
TEST(QueueingSlow, FifoWithExponentialSizes) {
  Queue queue(Discipline::fifo, 0.6, exponential_size);
  expect_mean(queue.sojourn(), kService / (1 - 0.6), 0.08);
  expect_queueing(queue);
}

/// M/D/1 in order of arrival, by Pollaczek and Khinchine: s + rho * s / (2 * (1 - rho)).
TEST(QueueingSlow, FifoWithOneSize) {
  Queue queue(Discipline::fifo, 0.8, fixed_size);
  expect_mean(queue.sojourn(), kService * (1 + 0.8 / (2 * (1 - 0.8))), 0.08);
  expect_queueing(queue);
}

/// M/G/1 in order of arrival: the coefficient of variation, here 2, does matter.
TEST(QueueingSlow, FifoWithLongTailedSizes) {
  Queue queue(Discipline::fifo, 0.5, long_tailed_size);
  expect_mean(queue.sojourn(), kService * (1 + 0.5 * (1 + 4) / (2 * (1 - 0.5))), 0.25);
  expect_queueing(queue);
}

}  // namespace
}  // namespace terrace
