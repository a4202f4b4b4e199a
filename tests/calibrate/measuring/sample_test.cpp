#include "calibrate/measuring/sample.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "tests/for_all.hpp"

namespace terrace::calibrate {
namespace {

/// A batch that measures what is written here, each of which takes `step` seconds of a clock that
/// stands still otherwise.
struct Script {
  std::vector<double> values;
  double step = 0;
  std::size_t used = 0;
  double time = 0;

  Sample sampled(const Sampling& sampling = {}) {
    return sample(
        [this] {
          time += step;
          return values.at(used++);
        },
        sampling, [this] { return time; });
  }
};

std::vector<double> counted(int first, int last) {
  std::vector<double> all;
  for (int i = first; i <= last; ++i) all.push_back(i);
  return all;
}

TEST(Sample, SaysWhatFifteenBatchesAfterThreeMeasured) {
  Script script{{900, 900, 900, 8, 1, 15, 2, 14, 3, 13, 4, 12, 5, 11, 6, 10, 7, 9}};
  const Sample s = script.sampled({.unstable = 10});
  EXPECT_EQ(s.n, 15);
  EXPECT_DOUBLE_EQ(s.median, 8);
  EXPECT_DOUBLE_EQ(s.mad, 4);
  EXPECT_DOUBLE_EQ(s.p10, 2.4);
  EXPECT_DOUBLE_EQ(s.p90, 13.6);
  EXPECT_DOUBLE_EQ(s.min, 1);
  EXPECT_TRUE(s.stable);
  EXPECT_EQ(script.used, script.values.size());
}

TEST(Sample, StopsWhenTheTimeIsOver) {
  Script script{std::vector<double>(40, 1.0), 0.01};
  EXPECT_EQ(script.sampled().n, 6);  // 60 ms; warming up does not count
}

TEST(Sample, TakesAFewBatchesHoweverLongTheyTake) {
  Script script{std::vector<double>(40, 1.0), 100};
  EXPECT_EQ(script.sampled().n, 3);
}

TEST(Sample, TriesOnceMoreWhereItIsUnstable) {
  Script script{counted(1, 18)};
  script.values.resize(36, 7.0);
  const Sample s = script.sampled();
  EXPECT_TRUE(s.stable);
  EXPECT_DOUBLE_EQ(s.median, 7);
  EXPECT_EQ(script.used, 36U);
}

TEST(Sample, KeepsTheSteadierTryAndSaysThatItIsUnstable) {
  const std::vector<double> wild = counted(1, 18);
  const std::vector<double> less = counted(101, 118);
  for (const bool better_first : {true, false}) {
    Script script{better_first ? less : wild};
    const auto& then = better_first ? wild : less;
    script.values.insert(script.values.end(), then.begin(), then.end());
    const Sample s = script.sampled();
    EXPECT_FALSE(s.stable);
    EXPECT_DOUBLE_EQ(s.median, 111);
    EXPECT_EQ(script.used, 36U);
  }
}

TEST(Sample, QuantilesAreThoseOfTheSortedValues) {
  tests::for_all([] {
    const auto ints = *rc::gen::container<std::vector<int>>(11, rc::gen::inRange(1, 1000));
    Script script{{ints.begin(), ints.end()}};
    const Sample s = script.sampled(
        {.warmups = 0, .batches = 11, .unstable = std::numeric_limits<double>::infinity()});
    std::vector<double> sorted = script.values;
    std::sort(sorted.begin(), sorted.end());
    RC_ASSERT(s.median == sorted[5]);
    RC_ASSERT(s.p10 == sorted[1]);
    RC_ASSERT(s.p90 == sorted[9]);
    RC_ASSERT(s.min == sorted[0]);
  });
}

/// Calls that take `call` seconds each, after some that take longer.
struct Machine {
  double call = 0;
  int slow_batches = 0;
  double time = 0;
  std::int64_t longest = 0;  // batch

  Sample sampled(const Sampling& sampling = {}) {
    return sample_calls(
        [this](std::int64_t n) {
          longest = std::max(longest, n);
          const double took = static_cast<double>(n) * call * (slow_batches-- > 0 ? 20 : 1);
          time += took;
          return took;
        },
        sampling, [this] { return time; });
  }
};

TEST(SampleCalls, PutsShortCallsTogether) {
  Machine machine{.call = 10e-6, .slow_batches = 1};
  const Sample s = machine.sampled();
  EXPECT_NEAR(s.median, 10e-6, 1e-12);
  EXPECT_GE(static_cast<double>(s.calls) * s.median, 1e-3);
  EXPECT_LE(machine.longest, 300);  // not far more than it takes
  EXPECT_EQ(s.n, 15);
}

TEST(SampleCalls, LeavesLongCallsAlone) {
  Machine machine{.call = 5e-3};
  const Sample s = machine.sampled();
  EXPECT_EQ(s.calls, 1);
  EXPECT_NEAR(s.median, 5e-3, 1e-12);
}

TEST(SampleCalls, EndsWhenNothingTakesTime) {
  Machine machine;
  const Sample s = machine.sampled();
  EXPECT_EQ(s.median, 0);
  EXPECT_FALSE(s.stable);
}

TEST(SampleCalls, TakesAboutAsLongAsForetold) {
  for (const double call : {1e-6, 1e-4, 2e-3, 2e-2, 0.5}) {
    Machine machine{.call = call};
    static_cast<void>(machine.sampled());
    const double ratio = machine.time / sampling_seconds(call);
    EXPECT_GT(ratio, 0.5) << call;
    EXPECT_LT(ratio, 1.5) << call;
  }
}

TEST(SampleCalls, CanBeToldInAnotherUnit) {
  Machine machine{.call = 5e-3};
  const Sample s = scaled(machine.sampled(), 1e6);
  EXPECT_NEAR(s.median, 5000, 1e-6);
  EXPECT_NEAR(s.min, 5000, 1e-6);
  EXPECT_NEAR(s.p10 + s.p90, 10000, 1e-6);
}

}  // namespace
}  // namespace terrace::calibrate
