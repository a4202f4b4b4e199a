#include "sim/fabric/wear.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "tests/for_all.hpp"

namespace terrace {
namespace {

using tests::for_all;

constexpr double kTB = 1e12;

SsdSpec drive(double terabytes, double dwpd) {
  SsdSpec ssd;
  ssd.capacity = Bytes{std::llround(terabytes * kTB)};
  ssd.dwpd = dwpd;
  return ssd;
}

Bandwidth of_tokens(double per_second, double bytes_each) {
  return Bandwidth{per_second * bytes_each};
}

TEST(Wear, DriveWritesPerDayOfWorkedExamples) {
  // 1.9 GB/s without pause on eight drives of 12.8 TB: the review of a Dell XE7740 with Solidigm
  // PS1030 drives says 1.6 a day, twice that if they are mirrored.
  WearLoad load{.writes = Bandwidth{1.9e9}, .drives = 8};
  EXPECT_NEAR(drive_writes_per_day(drive(12.8, 3), load), 1.60, 0.005);
  load.amplification = 2;
  EXPECT_NEAR(drive_writes_per_day(drive(12.8, 3), load), 3.2, 0.01);

  // Every new token of eight GPUs, written to eight drives.
  const auto per_day = [](Bandwidth writes, double terabytes) {
    return drive_writes_per_day(drive(terabytes, 1), {.writes = writes, .drives = 8});
  };
  EXPECT_NEAR(per_day(of_tokens(160e3, 131072), 7.68), 29.5, 0.05);  // Llama-3.1-8B
  EXPECT_NEAR(per_day(of_tokens(160e3, 131072), 30.72), 7.4, 0.05);  // on larger drives
  EXPECT_NEAR(per_day(of_tokens(8000, 327680), 7.68), 3.7, 0.05);    // Llama-3.1-70B
  EXPECT_NEAR(per_day(of_tokens(30000, 70272), 7.68), 3.0, 0.05);    // DeepSeek-V3
}

TEST(Wear, ADriveRatedForOneWriteADayLivesFiveYearsOfOne) {
  const SsdSpec ssd = drive(1, 1);
  const auto at = [&](double dwpd) { return WearLoad{.writes = Bandwidth{dwpd * kTB / 86400}}; };
  EXPECT_NEAR(life_of(ssd, at(1)).count(), 5, 1e-12);
  EXPECT_NEAR(life_of(ssd, at(14.7)).count() * 365, 124, 0.5);
  EXPECT_EQ(life_of(ssd, {}).count(), INFINITY);
}

TEST(Wear, LargeSegmentsWearLessThanRandomWrites) {
  // Micron 9550 MAX, 3.2 TB: 37.2 PB sequential, 17.52 PB random.
  SsdSpec ssd = drive(3.2, 3);
  ssd.sequential_endurance = 37.2 / 17.52;
  WearLoad load{.writes = Bandwidth{37.2e15 / kSecondsPerYear}};
  EXPECT_NEAR(life_of(ssd, load).count(), 1, 1e-9);
  load.sequential = false;
  EXPECT_NEAR(life_of(ssd, load).count(), 17.52 / 37.2, 1e-9);
}

TEST(Wear, ARatingIsForFiveYears) {
  SsdSpec ssd = drive(3.2, 3);
  ssd.sequential_endurance = 2;
  EXPECT_EQ(rated_per_day(ssd, false), 3);
  EXPECT_EQ(rated_per_day(ssd, true), 6);
  EXPECT_EQ(rated_fills(ssd, false), 3 * 1825);
  EXPECT_EQ(rated_fills(ssd, true), 6 * 1825);
}

TEST(Wear, LifeIsWhatIsRatedOverWhatIsWritten) {
  for_all([] {
    SsdSpec ssd = drive(*rc::gen::inRange(1, 100), *rc::gen::inRange(1, 50));
    ssd.sequential_endurance = 1 + *rc::gen::inRange(0, 20) * 0.1;
    const WearLoad load{.writes = Bandwidth{*rc::gen::inRange(1, 100000) * 1e6},
                        .drives = *rc::gen::inRange(1, 64),
                        .amplification = 1 + *rc::gen::inRange(0, 30) * 0.1,
                        .sequential = *rc::gen::arbitrary<bool>()};
    const double rated = static_cast<double>(rated_writes(ssd).count()) *
                         (load.sequential ? ssd.sequential_endurance : 1);
    const double to_each =
        load.writes.count() * load.amplification / static_cast<double>(load.drives);
    const double expected = rated / (to_each * kSecondsPerYear);
    RC_ASSERT(std::abs(life_of(ssd, load).count() - expected) <= 1e-12 * expected);
  });
}

TEST(Wear, AmplificationByTheClosedForm) {
  // Spare room of 7, 12.5, 28 and 100 %.
  EXPECT_NEAR(write_amplification(1.07), 7.8, 0.05);
  EXPECT_NEAR(write_amplification(1.125), 4.7, 0.05);
  EXPECT_NEAR(write_amplification(1.28), 2.5, 0.05);
  EXPECT_NEAR(write_amplification(2), 1.26, 0.01);
  EXPECT_EQ(write_amplification(1000), 1);
}

/// By bisection of w e^w = -a e^-a over the main branch, with the library's functions.
double slow_amplification(double a) {
  const double wanted = -a * std::exp(-a);
  double low = -1;
  double high = 0;
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    (middle * std::exp(middle) < wanted ? low : high) = middle;
  }
  return a / (a + low);
}

TEST(Wear, AmplificationAgreesWithABisection) {
  for_all([] {
    const double spare = *rc::gen::inRange(100, 100'000'000) * 1e-6;  // up to a hundredfold
    const double fast = write_amplification(1 + spare);
    RC_ASSERT(std::abs(fast / slow_amplification(1 + spare) - 1) < 1e-6);
    RC_ASSERT(fast >= 1);
  });
}

TEST(Wear, AmplificationOfHardlyAnySpareRoomIsHalfItsInverse) {
  // With a = 1 + e the root is at 1 - e + O(e^2).
  for (const double spare : {1e-4, 1e-5}) {
    EXPECT_NEAR(write_amplification(1 + spare) * 2 * spare, 1, 2 * spare + 1e-5) << spare;
  }
}

}  // namespace
}  // namespace terrace
