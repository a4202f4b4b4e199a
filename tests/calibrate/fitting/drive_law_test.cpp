#include "calibrate/fitting/drive_law.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/base/random.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/fabric/transfer_laws.hpp"

namespace terrace::calibrate {
namespace {

using namespace literals;
using ::testing::HasSubstr;

constexpr std::array<Bytes, 5> kSizes = {4_KiB, 64_KiB, 256_KiB, 1_MiB, 4_MiB};
constexpr std::array<std::int64_t, 4> kDepths = {1, 4, 16, 64};

/// About normal, of variance 1.
double noise(Random& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += random.uniform();
  return sum;
}

double between(Random& random, double low, double high) {
  return low * std::pow(high / low, random.uniform());
}

/// From a slow network drive to the fastest of the day.
SsdLaw random_drive(Random& random) {
  return {duration_from_seconds(between(random, 1e-5, 2e-4)), Bandwidth{between(random, 1e9, 8e9)},
          between(random, 3e4, 2e6), Bandwidth{between(random, 1e9, 7e9)}, between(random, 1, 4)};
}

/// What the law says of the whole grid, each rate off by about `error`.
void measure(const SsdLaw& law, double write_share, double error, Random& random,
             std::vector<DrivePoint>& points) {
  for (const Bytes io : kSizes) {
    for (const std::int64_t depth : kDepths) {
      const Bandwidth rate =
          closed_loop_rate(law, static_cast<double>(io.count()), static_cast<double>(depth));
      points.push_back({io, depth, write_share, rate * std::exp(error * noise(random))});
    }
  }
}

std::array<double, 5> values(const SsdLaw& law) {
  return {seconds(law.latency), law.stream.count(), law.iops, law.bandwidth.count(), law.p};
}

TEST(DriveLaw, IsFoundExactlyFromExactPoints) {
  const SsdLaw truth{80us, 3_GBps, 4e5, 6_GBps, 2.5};
  Random random(1, "exact");
  std::vector<DrivePoint> points;
  measure(truth, 0, 0, random, points);
  const DriveLawFit found = fit_drive_law(points, 0);
  for (std::size_t j = 0; j < 5; ++j) {
    EXPECT_NEAR(values(found.law)[j] / values(truth)[j], 1, 1e-3) << j;
    EXPECT_NEAR(found.fit.parameters[j].high / found.fit.parameters[j].low, 1, 1e-2) << j;
  }
  EXPECT_EQ(found.fit.errors[0].regime, "all");
  EXPECT_EQ(found.fit.errors[0].points, 20);
  EXPECT_LT(found.fit.errors[0].max, 1e-3);
  EXPECT_EQ(found.fit.errors[1].regime, "depth 1");
  EXPECT_EQ(found.fit.errors[1].points, 5);
  EXPECT_TRUE(found.fit.notes.empty());
}

TEST(DriveLawSlow, IsFoundWithinTheNoiseForAnyDrive) {
  constexpr double kNoise = 0.03;
  constexpr int kDrives = 40;
  std::array<int, 5> covered{};
  for (int drive = 0; drive < kDrives; ++drive) {
    Random random(static_cast<std::uint64_t>(drive), "drive");
    const SsdLaw truth = random_drive(random);
    std::vector<DrivePoint> points;
    measure(truth, 1, kNoise, random, points);
    const DriveLawFit found = fit_drive_law(points, 1);
    for (const DrivePoint& point : points) {
      const auto io = static_cast<double>(point.io.count());
      const auto depth = static_cast<double>(point.depth);
      EXPECT_NEAR(closed_loop_rate(found.law, io, depth).count() /
                      closed_loop_rate(truth, io, depth).count(),
                  1, 4 * kNoise)
          << drive << ": " << io << " at " << depth;
    }
    EXPECT_NEAR(found.law.bandwidth.count() / truth.bandwidth.count(), 1, 4 * kNoise) << drive;
    EXPECT_LT(found.fit.errors[0].median, 1.5 * kNoise);
    EXPECT_LT(*found.fit.errors[0].cv_median, 2 * kNoise);
    EXPECT_GE(*found.fit.errors[0].cv_median, 0.9 * found.fit.errors[0].median);
    for (std::size_t j = 0; j < 5; ++j) {
      const FittedParameter& one = found.fit.parameters[j];
      EXPECT_LE(one.low, one.value);
      EXPECT_GE(one.high, one.value);
      if (one.low <= values(truth)[j] && values(truth)[j] <= one.high) ++covered[j];
    }
  }
  // With some twenty points the bootstrap's intervals are somewhat short of their 95 %.
  for (std::size_t j = 0; j < 5; ++j) EXPECT_GE(covered[j], 0.78 * kDrives) << j;
}

TEST(DriveLaw, DoesNotBendForAFewOutliers) {
  const SsdLaw truth{60us, 2_GBps, 1e5, 3_GBps, 3};
  Random random(3, "outliers");
  std::vector<DrivePoint> points;
  measure(truth, 0, 0.01, random, points);
  points[7].rate = points[7].rate * 0.4;
  points[13].rate = points[13].rate * 0.5;
  const DriveLawFit found = fit_drive_law(points, 0);
  EXPECT_NEAR(found.law.bandwidth.count() / truth.bandwidth.count(), 1, 0.05);
  EXPECT_NEAR(seconds(found.law.latency) / seconds(truth.latency), 1, 0.1);
  EXPECT_LT(found.fit.errors[0].median, 0.03);
}

TEST(DriveLaw, SaysWhatThePointsDoNotTell) {
  // One command at a time never meets the limits of the drive.
  Random random(5, "depth one");
  std::vector<DrivePoint> points;
  for (const Bytes io : {4_KiB, 16_KiB, 64_KiB, 256_KiB, 1_MiB, 4_MiB, 8_MiB, 16_MiB}) {
    const double seconds = 80e-6 + static_cast<double>(io.count()) / 3e9;
    points.push_back(
        {io, 1, 0,
         Bandwidth{static_cast<double>(io.count()) / seconds * std::exp(0.02 * noise(random))}});
  }
  const DriveLawFit found = fit_drive_law(points, 0);
  EXPECT_LT(found.fit.errors[0].median, 0.04);
  EXPECT_THAT(found.fit.notes, ::testing::Contains(HasSubstr("'iops'")));
}

TEST(DriveLaw, IsAPureFunctionOfItsPoints) {
  Random random(9, "again");
  std::vector<DrivePoint> points;
  measure(random_drive(random), 0, 0.1, random, points);
  const DriveLawFit first = fit_drive_law(points, 0);
  const DriveLawFit second = fit_drive_law(points, 0);
  EXPECT_EQ(values(first.law), values(second.law));
  EXPECT_EQ(first.fit.parameters[2].high, second.fit.parameters[2].high);
}

TEST(DriveLaw, RefusesTooFewPointsAndWhatIsNoTime) {
  std::vector<DrivePoint> points(5, {4_KiB, 1, 0, 1_GBps});
  points.push_back({4_KiB, 1, 1, 1_GBps});
  const auto refusal = [&] {
    try {
      (void)fit_drive_law(points, 0);
    } catch (const config::ConfigError& e) {
      return std::string(e.what());
    }
    return std::string("none");
  };
  EXPECT_THAT(refusal(), HasSubstr("reads of the drive: error: 5 points to fit 5 parameters to"));
  points.push_back({4_KiB, 1, 0, Bandwidth{0}});
  EXPECT_THAT(refusal(), HasSubstr("no time: measure it again"));
}

TEST(MixPenalty, IsFoundFromMixedRates) {
  const SsdLaw read{80us, 3_GBps, 5e5, 6_GBps, 2};
  const SsdLaw write{20us, 4_GBps, 2e5, 3_GBps, 2};
  for (const double kappa : {0.0, 0.1, 0.45, 0.8}) {
    Random random(11, "mix");
    std::vector<DrivePoint> points;
    measure(read, 0, 0.02, random, points);
    measure(write, 1, 0.02, random, points);
    const std::size_t alone = points.size();
    for (std::size_t i = 0; i < alone / 2; ++i) {
      for (const double f : {0.3, 0.5}) {
        const double time =
            (1 - f) / points[i].rate.count() + f / points[i + alone / 2].rate.count();
        // One command at a time disturbs none: such points must not hide the penalty.
        const double free = points[i].depth == 1 ? 1 : 1 - 4 * kappa * f * (1 - f);
        points.push_back({points[i].io, points[i].depth, f,
                          Bandwidth{free / time * std::exp(0.02 * noise(random))}});
      }
    }
    const auto found = fit_mix_penalty(points, read, write);
    ASSERT_TRUE(found.has_value());
    EXPECT_NEAR(found->penalty, kappa, 0.03);
    EXPECT_LT(found->fit.errors[0].median, 0.05);
  }
}

TEST(MixPenalty, TakesRatesFromTheLawsWhereNothingElseWasMeasured) {
  const SsdLaw law{80us, 3_GBps, 5e5, 6_GBps, 2};
  std::vector<DrivePoint> points;
  for (const double f : {0.3, 0.5, 0.7}) {
    const double alone = closed_loop_rate(law, 1 << 20U, 64).count();
    points.push_back({1_MiB, 64, f, Bandwidth{alone * (1 - 4 * 0.25 * f * (1 - f))}});
  }
  EXPECT_NEAR(fit_mix_penalty(points, law, law)->penalty, 0.25, 1e-3);
  points.resize(1);
  EXPECT_FALSE(fit_mix_penalty(points, law, law).has_value());
}

TEST(SustainedWrites, TellAFallFromNoise) {
  Random random(4, "windows");
  std::vector<WriteWindow> steady;
  std::vector<WriteWindow> falling;
  for (int i = 0; i < 30; ++i) {
    const double jitter = std::exp(0.05 * noise(random));
    steady.push_back({0.5, Bytes{static_cast<std::int64_t>(1e9 * jitter)}});
    const double rate = i < 18 ? 2e9 : 0.8e9;
    falling.push_back({0.5, Bytes{static_cast<std::int64_t>(rate / 2 * jitter)}});
  }
  const SustainedWrites even = sustained_writes(steady);
  EXPECT_FALSE(even.falls);
  EXPECT_NEAR(even.last.count(), 2e9, 0.1e9);
  EXPECT_LT(std::abs(even.slope_per_terabyte), 10) << "per cent per GB";
  const SustainedWrites fallen = sustained_writes(falling);
  EXPECT_TRUE(fallen.falls);
  EXPECT_NEAR(fallen.first.count(), 2e9, 0.1e9);
  EXPECT_NEAR(fallen.last.count(), 0.8e9, 0.05e9);
  EXPECT_LT(fallen.slope_per_terabyte, -30);
}

TEST(SustainedWrites, FindTheSlopeOfASteadyDecay) {
  std::vector<WriteWindow> windows;
  double written = 0;
  for (int i = 0; i < 20; ++i) {
    const double bytes = 1e9;
    const double rate = 3e9 * std::exp(-25 * (written + bytes / 2) * 1e-12);
    windows.push_back({bytes / rate, Bytes{static_cast<std::int64_t>(bytes)}});
    written += bytes;
  }
  EXPECT_NEAR(sustained_writes(windows).slope_per_terabyte, -25, 1e-6);
}

}  // namespace
}  // namespace terrace::calibrate
