#include "calibrate/measuring/run.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "calibrate/measuring/points_file.hpp"
#include "kernels/reference/reference_set.hpp"
#include "sim/base/check.hpp"
#include "tests/app/program.hpp"

namespace terrace::calibrate {
namespace {

/// A machine in which nothing but the clock moves.
class Laboratory {
 public:
  double point_seconds = 1;
  int stop_after = 1'000'000;          // points
  std::vector<double> sentinel_rates;  // taken one by one; then 1
  std::vector<std::string> order;      // of what was measured, in all sessions
  Progressed so_far{{{"run", "of a test"}}, {}, {}};

  /// Points "fake/0", ...; every fifth is unstable.
  std::vector<Planned> plan(int points) {
    std::vector<Planned> all;
    for (int i = 0; i < points; ++i) {
      const std::string id = fmt::format("fake/{}", i);
      all.push_back({&family_,
                     {.id = id,
                      .x = {{"i", i}},
                      .cache = i % 2 == 0 ? "cold" : "",
                      .unit = "us",
                      .seconds = 1,
                      .measure = [this, i, id](Bench&) {
                        time_ += point_seconds;
                        order.push_back(id);
                        Sample sample = sample_of({0.5 + i, 1.0 + i, 1.5 + i});
                        sample.stable = i % 5 != 0;
                        return sample;
                      }}});
    }
    return all;
  }

  bool measure(const std::vector<Planned>& plan, std::uint64_t seed = 1) {
    Bench bench{.kernels = kernels_};
    const std::size_t before = order.size();
    Journal journal(path(), so_far);
    const RunWorld world{
        .clock = [this] { return time_; },
        .sentinel =
            [this] {
              const bool told = sentinels_ < sentinel_rates.size();
              return std::vector{
                  std::pair{std::string("rate"), told ? sentinel_rates[sentinels_++] : 1.0}};
            },
        .stop = [this,
                 before] { return order.size() >= before + static_cast<std::size_t>(stop_after); },
        .progress = [this](const RunProgress& progress) { progress_.push_back(progress); }};
    return calibrate::measure(plan, bench, seed, DriftRule{}, world, journal, so_far);
  }

  [[nodiscard]] std::filesystem::path path() const { return place_.at("journal"); }
  [[nodiscard]] const std::vector<RunProgress>& progress() const { return progress_; }

 private:
  testing::Workplace place_;
  Family family_{.name = "fake", .summary = "a fake"};
  kernels::ReferenceSet kernels_;
  double time_ = 5000;  // clocks start anywhere
  std::size_t sentinels_ = 0;
  std::vector<RunProgress> progress_;
};

std::set<std::string> ids(const std::vector<MeasuredPoint>& points) {
  std::set<std::string> all;
  for (const MeasuredPoint& point : points) EXPECT_TRUE(all.insert(point.id).second) << point.id;
  return all;
}

TEST(CalibrationRun, MeasuresEveryPointOnceInAnOrderOfTheSeed) {
  std::vector<std::vector<std::string>> orders;
  for (const std::uint64_t seed : {1U, 1U, 2U}) {
    Laboratory laboratory;
    EXPECT_TRUE(laboratory.measure(laboratory.plan(30), seed));
    EXPECT_EQ(ids(laboratory.so_far.points).size(), 30U);
    orders.push_back(laboratory.order);
  }
  EXPECT_EQ(orders[0], orders[1]);
  EXPECT_NE(orders[0], orders[2]);
  EXPECT_FALSE(std::is_sorted(orders[0].begin(), orders[0].end()));
}

TEST(CalibrationRun, LeavesToTheEndWhatSaysSo) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    Laboratory laboratory;
    std::vector<Planned> plan = laboratory.plan(20);
    plan[0].measurement.last = true;
    plan[7].measurement.last = true;
    EXPECT_TRUE(laboratory.measure(plan, seed));
    ASSERT_EQ(laboratory.order.size(), 20U);
    const std::set<std::string> ends(laboratory.order.end() - 2, laboratory.order.end());
    EXPECT_EQ(ends, (std::set<std::string>{"fake/0", "fake/7"}));
  }
}

TEST(CalibrationRun, WhatIsWrittenToTheDiskComesBehindWhatIsNot) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    Laboratory laboratory;
    std::vector<Planned> plan = laboratory.plan(20);
    for (const std::size_t i : {2U, 3U, 11U, 15U}) plan[i].measurement.written = Bytes{100};
    plan[11].measurement.last = plan[15].measurement.last = true;
    plan[11].measurement.written = Bytes{300};
    EXPECT_TRUE(laboratory.measure(plan, seed));
    ASSERT_EQ(laboratory.order.size(), 20U);
    const std::set<std::string> writes(laboratory.order.end() - 4, laboratory.order.end() - 2);
    EXPECT_EQ(writes, (std::set<std::string>{"fake/2", "fake/3"}));
    EXPECT_EQ(laboratory.order[18], "fake/15");
    EXPECT_EQ(laboratory.order[19], "fake/11") << "it writes most";
  }
}

TEST(CalibrationRun, GoesOnWhereItWasStoppedInTheSameOrder) {
  Laboratory whole;
  ASSERT_TRUE(whole.measure(whole.plan(20)));

  Laboratory parts;
  parts.stop_after = 7;
  EXPECT_FALSE(parts.measure(parts.plan(20)));
  parts.so_far = Journal::read(parts.path()).value().progressed;  // the program has ended
  EXPECT_EQ(parts.so_far.points.size(), 7U);
  EXPECT_FALSE(parts.measure(parts.plan(20)));
  parts.so_far = Journal::read(parts.path()).value().progressed;
  EXPECT_EQ(parts.so_far.points.size(), 14U);
  EXPECT_TRUE(parts.measure(parts.plan(20)));

  EXPECT_EQ(parts.order, whole.order);
  EXPECT_EQ(ids(parts.so_far.points), ids(whole.so_far.points));
  for (std::size_t i = 1; i < parts.so_far.points.size(); ++i) {  // time goes on, too
    EXPECT_GT(parts.so_far.points[i].at, parts.so_far.points[i - 1].at);
  }
}

TEST(CalibrationRun, LosesOnlyTheLineThatWasBeingWritten) {
  Laboratory laboratory;
  laboratory.stop_after = 5;
  EXPECT_FALSE(laboratory.measure(laboratory.plan(9)));
  const auto size = std::filesystem::file_size(laboratory.path());
  std::filesystem::resize_file(laboratory.path(), size - 20);
  laboratory.so_far = Journal::read(laboratory.path()).value().progressed;
  EXPECT_EQ(laboratory.so_far.points.size(), 4U);
  laboratory.stop_after = 100;
  EXPECT_TRUE(laboratory.measure(laboratory.plan(9)));
  EXPECT_EQ(ids(laboratory.so_far.points).size(), 9U);
}

TEST(CalibrationRun, KeepsWhatCannotBeMeasuredWithTheReason) {
  Laboratory laboratory;
  std::vector<Planned> plan = laboratory.plan(3);
  plan[1].measurement.measure = [](Bench&) -> Sample { throw std::runtime_error("disk full"); };
  EXPECT_TRUE(laboratory.measure(plan));
  ASSERT_EQ(laboratory.so_far.points.size(), 3U);
  for (const MeasuredPoint& point : laboratory.so_far.points) {
    EXPECT_EQ(point.error, point.id == "fake/1" ? "disk full" : "");
  }
  const Progressed read = Journal::read(laboratory.path()).value().progressed;
  EXPECT_EQ(ids(read.points).size(), 3U);
}

TEST(CalibrationRun, EndsWhereTheDeviceIsLostAndGoesOnBehindThatPoint) {
  Laboratory laboratory;
  std::vector<Planned> plan = laboratory.plan(9);
  plan[4].measurement.measure = [](Bench&) -> Sample { throw kernels::DeviceLost("bad address"); };
  try {
    laboratory.measure(plan);
    FAIL() << "went on without a device";
  } catch (const kernels::DeviceLost& error) {
    EXPECT_STREQ(error.what(), "fake/4: bad address");
  }
  laboratory.so_far = Journal::read(laboratory.path()).value().progressed;
  EXPECT_EQ(laboratory.so_far.points.back().error, "bad address");
  const std::size_t before = laboratory.order.size();
  EXPECT_LT(before, 8U);

  EXPECT_TRUE(laboratory.measure(plan));
  EXPECT_EQ(laboratory.order.size(), 8U);
  EXPECT_EQ(ids(laboratory.so_far.points).size(), 9U);
}

TEST(CalibrationRun, DoesNotKeepContradictions) {
  Laboratory laboratory;
  std::vector<Planned> plan = laboratory.plan(1);
  plan[0].measurement.measure = [](Bench&) -> Sample { throw InvariantViolation("1 = 2"); };
  EXPECT_THROW(laboratory.measure(plan), InvariantViolation);
}

TEST(CalibrationRun, LooksAtTheMachineEveryTwentySeconds) {
  Laboratory laboratory;
  laboratory.point_seconds = 1.5;
  EXPECT_TRUE(laboratory.measure(laboratory.plan(40)));  // a minute
  EXPECT_EQ(laboratory.so_far.sentinels.size(), 1U + 2U + 1U);
}

TEST(CalibrationRun, ForetellsTheRestFromWhatIsDone) {
  Laboratory laboratory;
  laboratory.point_seconds = 2;  // twice of what the plan says
  EXPECT_TRUE(laboratory.measure(laboratory.plan(100)));
  const RunProgress& half = laboratory.progress().at(50);
  EXPECT_EQ(half.done, 50U);
  EXPECT_EQ(half.all, 100U);
  EXPECT_NEAR(half.left, 100, 10);
  EXPECT_NEAR(laboratory.progress().front().left, 100, 1e-9);
}

TEST(Drift, FlagsPointsBesideASentinelThatIsOff) {
  const auto at = [](double time) {
    MeasuredPoint point;
    point.at = time;
    return point;
  };
  std::vector<SentinelReading> sentinels = {{0, {{"a", 10.0}, {"b", 1}}},
                                            {20, {{"a", 10.2}, {"b", 1}}},
                                            {40, {{"a", 9.9}, {"b", 0.8}}},
                                            {60, {{"a", 10.0}, {"b", 1.02}}},
                                            {80, {{"a", 10.4}, {"b", 0.95}}}};
  std::vector<MeasuredPoint> points = {at(10), at(30), at(50), at(70), at(90)};
  judge_drift(sentinels, points, DriftRule{});
  EXPECT_NEAR(sentinels[0].drift, 0, 1e-12);
  EXPECT_NEAR(sentinels[1].drift, 0.02, 1e-12);
  EXPECT_NEAR(sentinels[2].drift, 0.2, 1e-12);
  EXPECT_NEAR(sentinels[4].drift, 0.05, 1e-12);
  const std::vector<bool> expected = {false, true, true, false, false};
  for (std::size_t i = 0; i < points.size(); ++i) EXPECT_EQ(points[i].drifted, expected[i]) << i;
}

TEST(Drift, NoticesThatTheFirstOrLastSentinelIsOff) {
  std::vector<SentinelReading> sentinels = {{0, {{"a", 5.0}}},
                                            {20, {{"a", 10}}},
                                            {40, {{"a", 10}}},
                                            {60, {{"a", 10}}},
                                            {80, {{"a", 12}}}};
  std::vector<MeasuredPoint> points(4);
  for (std::size_t i = 0; i < 4; ++i) points[i].at = 10 + 20 * static_cast<double>(i);
  judge_drift(sentinels, points, DriftRule{});
  EXPECT_TRUE(points[0].drifted);
  EXPECT_FALSE(points[1].drifted);
  EXPECT_FALSE(points[2].drifted);
  EXPECT_TRUE(points[3].drifted);
}

}  // namespace
}  // namespace terrace::calibrate
