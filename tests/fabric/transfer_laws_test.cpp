#include "sim/fabric/transfer_laws.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace terrace {
namespace {

using namespace literals;

constexpr DescriptorLaw kBatchCopy{580ns, Bandwidth{8.25e9}, 28_KiB, 170ns, 60_GBps};
constexpr SsdLaw kPs1010Read{69us, Bandwidth{3.1e9}, 3.1e6, Bandwidth{14.5e9}, 2};
constexpr SsdLaw kPs1010Write{29us, Bandwidth{5e9}, 400e3, Bandwidth{10e9}, 2};

double copy_rate(Bytes piece) {
  return 1e-9 /
         engine_seconds_per_byte(kBatchCopy, Bandwidth{55.4e9}, static_cast<double>(piece.count()));
}

/// cuMemcpyBatchAsync, host to device, H100 with PCIe 5.0 (vLLM pull request 42212); the source
/// rounds to 0.1 GB/s, and the fit of its four small sizes is good to 2 %.
TEST(TransferLaws, DescriptorLawReproducesItsMeasurements) {
  EXPECT_NEAR(copy_rate(4_KiB), 3.8, 0.02 * 3.8);
  EXPECT_NEAR(copy_rate(8_KiB), 5.3, 0.02 * 5.3);
  EXPECT_NEAR(copy_rate(16_KiB), 6.3, 0.02 * 6.3);
  EXPECT_NEAR(copy_rate(24_KiB), 6.9, 0.02 * 6.9);
  EXPECT_NEAR(copy_rate(28_KiB), 44.1, 0.01 * 44.1);
  EXPECT_NEAR(copy_rate(64_KiB), 51.8, 0.01 * 51.8);
}

TEST(TransferLaws, NoCopyIsFasterThanTheLine) { EXPECT_DOUBLE_EQ(copy_rate(1_GiB), 55.4); }

/// One command at a time, as in GDSIO with one thread: 69 us + s / 3.1 GB/s for reads. The p-norm
/// adds the drive's own limits, which is at most 2 % of it.
TEST(TransferLaws, OneCommandTakesItsLatencyAndItsStream) {
  for (const Bytes size : {16_KiB, 128_KiB, 1_MiB}) {
    const auto bytes = static_cast<double>(size.count());
    const double reads = bytes / closed_loop_rate(kPs1010Read, bytes, 1).count();
    EXPECT_NEAR(reads, 69e-6 + bytes / 3.1e9, 0.02 * reads);

    const DriveDemand whole = drive_demand({kPs1010Read, 1_MiB, 1}, size, 1);
    EXPECT_NEAR(69e-6 + bytes / whole.limit, 69e-6 + bytes / 3.1e9, 0.02 * reads);
  }
}

/// The measurements themselves, GiB/s, rounded to 0.1 in the source: within that and 3 %.
TEST(TransferLaws, OneCommandAtATimeReproducesGdsio) {
  const auto gib_per_second = [](const SsdLaw& law, Bytes size) {
    return closed_loop_rate(law, static_cast<double>(size.count()), 1).count() / 0x1p30;
  };
  EXPECT_NEAR(gib_per_second(kPs1010Read, 16_KiB), 0.2, 0.05 + 0.03 * 0.2);
  EXPECT_NEAR(gib_per_second(kPs1010Read, 128_KiB), 1.1, 0.05 + 0.03 * 1.1);
  EXPECT_NEAR(gib_per_second(kPs1010Read, 1_MiB), 2.4, 0.05 + 0.03 * 2.4);
  EXPECT_NEAR(gib_per_second(kPs1010Write, 16_KiB), 0.5, 0.05 + 0.03 * 0.5);
  EXPECT_NEAR(gib_per_second(kPs1010Write, 128_KiB), 2.2, 0.05 + 0.03 * 2.2);
}

TEST(TransferLaws, DepthRaisesTheRateUpToTheDrive) {
  double before = 0;
  for (double depth = 1; depth <= 4096; depth *= 2) {
    const double rate = closed_loop_rate(kPs1010Read, 65536, depth).count();
    EXPECT_GT(rate, before);
    before = rate;
  }
  EXPECT_NEAR(before, 65536 / (1 / 3.1e6 + 65536 / 14.5e9), 0.01 * before);
}

TEST(TransferLaws, AnyNormLiesBetweenSumAndMaximum) {
  SsdLaw law = kPs1010Read;
  const double sum = (69e-6 + 1e6 / 3.1e9) / 4 + 1 / 3.1e6 + 1e6 / 14.5e9;
  law.p = 1;
  EXPECT_NEAR(closed_loop_rate(law, 1e6, 4).count(), 1e6 / sum, 1);
  law.p = 2;
  const double two = closed_loop_rate(law, 1e6, 4).count();
  law.p = 2 + 1e-12;
  EXPECT_NEAR(closed_loop_rate(law, 1e6, 4).count(), two, 1e-6 * two);
  law.p = 200;
  EXPECT_NEAR(closed_loop_rate(law, 1e6, 4).count(), 4e6 / (69e-6 + 1e6 / 3.1e9), 1e6);
}

TEST(TransferLaws, ALongTransferGetsTheClosedLoopRate) {
  const CommandLaw law{kPs1010Read, 128_KiB, 8};
  const double loop = closed_loop_rate(kPs1010Read, 128 * 1024, 8).count();
  EXPECT_NEAR(drive_demand(law, 100_GiB, 1).limit, loop, 1e-3 * loop);
}

TEST(TransferLaws, ManyExtentsMakeSmallCommands) {
  const CommandLaw law{kPs1010Read, 256_KiB, 32};
  const DriveDemand one = drive_demand(law, 64_MiB, 1);
  const DriveDemand many = drive_demand(law, 64_MiB, 16384);  // of 4 KiB
  EXPECT_GT(many.seconds_per_byte, one.seconds_per_byte);
  EXPECT_LT(many.limit, one.limit / 4);
  EXPECT_DOUBLE_EQ(many.seconds_per_byte, (1 / 3.1e6 + 4096 / 14.5e9) / 4096);
}

TEST(TransferLaws, TheSmallestAndTheLargestTransferHaveARate) {
  const CommandLaw law{kPs1010Read, 256_KiB, 32};
  for (const Bytes size : {1_B, Bytes{std::int64_t{1} << 60U}}) {
    const DriveDemand demand = drive_demand(law, size, 1);
    EXPECT_TRUE(std::isfinite(demand.limit) && demand.limit > 0);
    EXPECT_LE(demand.limit * demand.seconds_per_byte, 1 + 1e-12);
  }
}

}  // namespace
}  // namespace terrace
