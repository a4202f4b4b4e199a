// What a run must show before its figures are believed: that it has warmed up, and that its queue
// does not grow. Queues come from Lindley's recurrence, W' = max(0, W + S - A), not from the
// simulator.

#include "sim/study/load/steady_state.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/random.hpp"
#include "sim/base/samplers.hpp"

namespace terrace {
namespace {

/// MSER-5 by its definition, in O(n^2).
std::size_t obvious_warm_up(const std::vector<double>& values) {
  std::vector<double> means;
  for (std::size_t i = 0; i + 5 <= values.size(); i += 5) {
    means.push_back((values[i] + values[i + 1] + values[i + 2] + values[i + 3] + values[i + 4]) /
                    5);
  }
  double least = std::numeric_limits<double>::max();
  std::size_t cut = 0;
  for (std::size_t d = 0; d <= means.size() / 2; ++d) {
    const auto n = static_cast<double>(means.size() - d);
    double mean = 0;
    for (std::size_t i = d; i < means.size(); ++i) mean += means[i] / n;
    double squares = 0;
    for (std::size_t i = d; i < means.size(); ++i) squares += std::pow(means[i] - mean, 2);
    if (squares / (n * n) < least) {
      least = squares / (n * n);
      cut = d;
    }
  }
  return 5 * cut;
}

TEST(WarmUp, IsWhatItsDefinitionSays) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed, "values");
    std::vector<double> values;
    for (std::uint64_t i = 0; i < 20 + 7 * seed; ++i) {
      values.push_back(exponential(random, 1) + 10 * std::exp(-static_cast<double>(i) / 30));
    }
    EXPECT_EQ(warm_up(values), obvious_warm_up(values)) << seed;
  }
}

TEST(WarmUp, LeavesOutWhatIsDifferentAndNothingElse) {
  std::vector<double> values(1000, 1.0);
  EXPECT_EQ(warm_up(values), 0U);
  for (std::size_t i = 0; i < 100; ++i) values[i] = 5;
  EXPECT_EQ(warm_up(values), 100U);
  for (std::size_t i = 0; i < 900; ++i) values[i] = 5;
  EXPECT_LE(warm_up(values), 500U);
  EXPECT_EQ(warm_up(std::vector<double>{9, 1, 1, 1, 1, 1, 1}), 0U);  // too few to tell
  EXPECT_EQ(warm_up({}), 0U);
}

struct Queue {
  std::vector<double> arrivals;
  std::vector<double> waits;
};

/// M/M/1 with a mean service of one second.
Queue mm1(double rho, std::size_t requests, std::uint64_t seed) {
  Random gaps(seed, "gaps");
  Random services(seed, "services");
  Queue queue;
  double now = 0;
  double wait = 0;
  double service = 0;
  for (std::size_t i = 0; i < requests; ++i) {
    const double gap = exponential(gaps, 1 / rho);
    now += gap;
    wait = std::max(0.0, wait + service - gap);
    service = exponential(services, 1);
    queue.arrivals.push_back(now);
    queue.waits.push_back(wait);
  }
  return queue;
}

constexpr int kRuns = 1000;

double share_that_grows(double rho, std::size_t requests) {
  int grown = 0;
  for (std::uint64_t seed = 0; seed < kRuns; ++seed) {
    const Queue q = mm1(rho, requests, seed);
    grown += grows(q.arrivals, q.waits) ? 1 : 0;
  }
  return static_cast<double>(grown) / kRuns;
}

// Bounds on error rates: those seen are below them, and twice as many would be above.
TEST(Growth, IsSeldomSeenWhereThereIsNone) {
  EXPECT_EQ(share_that_grows(0.5, 3000), 0);
  EXPECT_LE(share_that_grows(0.8, 3000), 0.002);
  EXPECT_LE(share_that_grows(0.9, 3000), 0.015);
  EXPECT_LE(share_that_grows(0.9, 5000), 0.003);
}

TEST(Growth, IsSeenWhereMoreComesThanCanLeave) {
  EXPECT_GE(share_that_grows(1.05, 3000), 0.9);
  EXPECT_GE(share_that_grows(1.05, 5000), 0.95);
  EXPECT_GE(share_that_grows(1.1, 3000), 0.99);
  EXPECT_EQ(share_that_grows(1.3, 3000), 1);
}

TEST(Growth, IsNotABurstThatIsWorkedOff) {
  Queue burst;
  for (int i = 0; i < 1000; ++i) {
    burst.arrivals.push_back(i);
    burst.waits.push_back(i < 600 ? 0 : i < 800 ? i - 600 : std::max(0, 1000 - i - 50));
  }
  EXPECT_FALSE(grows(burst.arrivals, burst.waits));
  for (int i = 800; i < 1000; ++i) burst.waits[static_cast<std::size_t>(i)] = i - 600;
  EXPECT_TRUE(grows(burst.arrivals, burst.waits));
}

TEST(Growth, NeedsTimeAndRequests) {
  const std::vector<double> at_once(100, 0.0);
  std::vector<double> waits;
  for (int i = 0; i < 100; ++i) waits.push_back(i);
  EXPECT_FALSE(grows(at_once, waits));
  EXPECT_TRUE(grows(waits, waits));
  EXPECT_FALSE(grows(std::vector<double>(19, 1), std::vector<double>(19, 1)));
  EXPECT_FALSE(grows({}, {}));
}

}  // namespace
}  // namespace terrace
