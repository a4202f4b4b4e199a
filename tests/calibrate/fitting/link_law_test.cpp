#include "calibrate/fitting/link_law.hpp"

#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/base/random.hpp"
#include "sim/config/diagnostics.hpp"

namespace terrace::calibrate {
namespace {

using namespace literals;
using ::testing::HasSubstr;

double noise(Random& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += random.uniform();
  return sum;
}

std::vector<CopyPoint> copies(double latency, double bandwidth, double error, Random& random) {
  std::vector<CopyPoint> points;
  for (std::int64_t size = 4096; size <= (std::int64_t{1} << 30U); size *= 4) {
    const double exact = latency + static_cast<double>(size) / bandwidth;
    points.push_back({Bytes{size}, exact * std::exp(error * noise(random))});
  }
  return points;
}

TEST(LinkLaw, IsFoundWithinTheNoise) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed, "links");
    const double latency = std::pow(10, -5.5 + random.uniform());
    const double bandwidth = std::pow(10, 9.7 + 2 * random.uniform());
    const LinkLawFit found = fit_link_law(copies(latency, bandwidth, 0.02, random), "h2d");
    EXPECT_NEAR(seconds(found.latency) / latency, 1, 0.08) << seed;
    EXPECT_NEAR(found.bandwidth.count() / bandwidth, 1, 0.08) << seed;
    EXPECT_LT(found.fit.errors[0].median, 0.03);
    EXPECT_EQ(found.fit.errors.size(), 3U) << "all, below 1 MiB, from there on";
  }
}

TEST(LinkLaw, RefusesTwoPoints) {
  const std::vector<CopyPoint> points(2, {1_MiB, 1e-3});
  EXPECT_THROW((void)fit_link_law(points, "h2d"), config::ConfigError);
  EXPECT_THROW((void)fit_link_law({}, "h2d"), config::ConfigError);
}

/// In one call each: 16 to 8192 blocks.
std::vector<BlockPoint> blocks(const DescriptorLaw& law, double error, Random& random) {
  std::vector<BlockPoint> points;
  for (const std::int64_t kib : {2, 4, 8, 16, 20, 24, 28, 32, 48, 64, 256, 2048}) {
    for (const std::int64_t n : {16, 1024}) {
      const Bytes size{kib << 10U};
      const bool large = size >= law.cutoff;
      const double exact = seconds(large ? law.large_fixed : law.small_fixed) +
                           static_cast<double>(size.count()) /
                               (large ? law.large_bandwidth : law.small_bandwidth).count();
      points.push_back({size, n, static_cast<double>(n) * exact * std::exp(error * noise(random))});
    }
  }
  return points;
}

TEST(DescriptorLaw, FindsTheCutOffThatOthersMeasured) {
  // cuMemcpyBatchAsync on an H100 (vLLM pull request 42212).
  const DescriptorLaw truth{580ns, Bandwidth{8.25e9}, 28_KiB, 170ns, 60_GBps};
  Random random(1, "blocks");
  const DescriptorLawFit found = fit_descriptor_law(blocks(truth, 0.02, random), "h2d blocks");
  EXPECT_EQ(found.law.cutoff, truth.cutoff);
  EXPECT_NEAR(seconds(found.law.small_fixed) / seconds(truth.small_fixed), 1, 0.1);
  EXPECT_NEAR(found.law.small_bandwidth / truth.small_bandwidth, 1, 0.1);
  EXPECT_NEAR(seconds(found.law.large_fixed) / seconds(truth.large_fixed), 1, 0.3);
  EXPECT_NEAR(found.law.large_bandwidth / truth.large_bandwidth, 1, 0.05);
  EXPECT_LT(found.fit.errors[0].median, 0.03);
  EXPECT_EQ(found.fit.parameters.size(), 4U);
}

TEST(DescriptorLaw, FindsAnyCutOffThatMakesADifference) {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    Random random(seed, "cutoffs");
    DescriptorLaw truth{std::chrono::nanoseconds(800), 6_GBps, 8_KiB, 100ns, 40_GBps};
    truth.cutoff = std::vector<Bytes>{8_KiB, 16_KiB, 28_KiB, 64_KiB}[random.below(4)];
    const DescriptorLawFit found = fit_descriptor_law(blocks(truth, 0.02, random), "blocks");
    EXPECT_EQ(found.law.cutoff, truth.cutoff) << seed;
  }
}

TEST(DescriptorLaw, SeesNoCutOffWhereThereIsNone) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed, "one piece");
    const DescriptorLaw truth{500ns, 20_GBps, 0_B, 500ns, 20_GBps};
    const DescriptorLawFit found = fit_descriptor_law(blocks(truth, 0.03, random), "blocks");
    EXPECT_EQ(found.law.cutoff, 0_B) << seed;
    EXPECT_EQ(found.law.small_fixed, found.law.large_fixed);
    EXPECT_NEAR(found.law.large_bandwidth / truth.large_bandwidth, 1, 0.05);
    EXPECT_EQ(found.fit.parameters.size(), 4U);
  }
}

TEST(MemcpyLaw, FindsTheThreadAndTheSocket) {
  Random random(2, "memcpy");
  std::vector<MemcpyPoint> points;
  for (const std::int64_t threads : {1, 2, 4, 8, 16, 32}) {
    const double exact = std::min(12e9 * static_cast<double>(threads), 70e9);
    for (int i = 0; i < 3; ++i) {
      points.push_back({threads, Bandwidth{exact * std::exp(0.03 * noise(random))}});
    }
  }
  const MemcpyLawFit found = fit_memcpy_law(points);
  EXPECT_NEAR(found.per_thread.count(), 12e9, 0.5e9);
  EXPECT_NEAR(found.total.count(), 70e9, 3e9);
  EXPECT_LT(found.fit.errors[0].median, 0.05);
}

TEST(MemcpyLaw, ClaimsNoMoreThanWasSeenWhereNothingSaturates) {
  std::vector<MemcpyPoint> points;
  for (const std::int64_t threads : {1, 2, 4, 8}) {
    points.push_back({threads, 5_GBps * static_cast<double>(threads)});
  }
  const MemcpyLawFit found = fit_memcpy_law(points);
  EXPECT_NEAR(found.per_thread.count(), 5e9, 0.05e9);
  EXPECT_NEAR(found.total.count(), 40e9, 0.5e9);
  EXPECT_THAT(found.fit.notes, ::testing::Contains(HasSubstr("on its bound")));
}

}  // namespace
}  // namespace terrace::calibrate
