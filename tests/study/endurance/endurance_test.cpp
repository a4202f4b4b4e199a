#include "sim/study/endurance/endurance.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "sim/study/endurance/write_rules.hpp"
#include "tests/for_all.hpp"

namespace terrace {
namespace {

using tests::for_all;

DriveOffer offer(const std::string& name, double terabytes, double dwpd, double price) {
  DriveOffer drive{name, {}};
  drive.ssd.capacity = Bytes{std::llround(terabytes * 1e12)};
  drive.ssd.dwpd = dwpd;
  drive.ssd.write.bandwidth = Bandwidth{5e9};
  if (price > 0) {
    drive.ssd.price = {
        {DollarsPerTB{price / 2}, DollarsPerTB{price}, DollarsPerTB{price * 2}, "2026-03"}};
  }
  return drive;
}

EnduranceQuestion writing(double bytes_per_second, std::int64_t drives) {
  EnduranceQuestion question;
  question.load.writes = Bandwidth{bytes_per_second};
  question.load.drives = drives;
  return question;
}

// Prefill of 10,000 tokens a second at 128 KiB: 113 TB a day, 14.7 times a drive of 7.68 TB, which
// is spent in 124 days. In five years, 15 of them.
TEST(Endurance, ADriveThatIsSpentIn124Days) {
  const DriveFate fate = fate_of(offer("ps1010", 7.68, 1, 357), writing(10000.0 * 131072, 1));
  EXPECT_NEAR(fate.writes_per_day, 14.7, 0.05);
  EXPECT_NEAR(fate.life.count() * 365, 124, 0.5);
  EXPECT_EQ(fate.bought, 15);
  ASSERT_TRUE(fate.typical);
  EXPECT_NEAR(fate.typical->horizon.count(), 15 * 7.68 * 357, 0.01);
  EXPECT_NEAR(fate.low->horizon.count() * 4, fate.high->horizon.count(), 0.01);
  // Used to the end but for the last: a little more than the price over the rating.
  const double least = 357.0 / 1825;
  EXPECT_GT(fate.typical->written.count(), least);
  EXPECT_LT(fate.typical->written.count(), least * 15 / 14);
  EXPECT_NEAR(fate.busy, 10000.0 * 131072 / 5e9, 1e-9);
}

TEST(Endurance, WhatWearsNothingOutIsRetiredAllTheSame) {
  EnduranceQuestion question = writing(1e6, 4);
  question.horizon = Years{12};
  const DriveFate fate = fate_of(offer("any", 7.68, 1, 100), question);
  EXPECT_GT(fate.life, Years{100});
  EXPECT_EQ(fate.bought, 3);
  EXPECT_NEAR(fate.typical->horizon.count(), 3 * 4 * 768, 0.01);
}

TEST(Endurance, AHorizonOfWholeLivesNeedsNoFurtherArray) {
  EnduranceQuestion question = writing(1e12 / 86400, 1);  // just what it is rated for
  for (const double years : {5.0, 10.0, 15.0}) {
    question.horizon = Years{years};
    EXPECT_EQ(fate_of(offer("one", 1, 1, 1), question).bought, years / 5) << years;
  }
}

TEST(Endurance, TheCheapestComeFirstAndWhatCannotKeepUpLast) {
  std::vector<DriveOffer> offers = {offer("dear", 10, 1, 500), offer("slow", 10, 1, 1),
                                    offer("unpriced", 10, 1, 0), offer("cheap", 10, 1, 100)};
  offers[1].ssd.write.bandwidth = Bandwidth{1e6};
  const std::vector<DriveFate> fates = fates_of(offers, writing(1e9, 1));
  ASSERT_EQ(fates.size(), 4U);
  EXPECT_EQ(fates[0].profile, "cheap");
  EXPECT_EQ(fates[1].profile, "dear");
  EXPECT_EQ(fates[2].profile, "unpriced");
  EXPECT_EQ(fates[3].profile, "slow");
  EXPECT_GT(fates[3].busy, 1);
  EXPECT_FALSE(fates[2].typical);
}

// Twice the writes are half the life; amplification is the same as more writes; more drives live
// longer, each.
TEST(Endurance, LivesScale) {
  for_all([] {
    const DriveOffer drive = offer("any", *rc::gen::inRange(1, 60), *rc::gen::inRange(1, 10), 100);
    EnduranceQuestion question = writing(*rc::gen::inRange(1, 1000) * 1e7, 1);
    const double life = fate_of(drive, question).life.count();
    question.load.amplification = 2;
    const DriveFate amplified = fate_of(drive, question);
    RC_ASSERT(std::abs(amplified.life.count() * 2 / life - 1) < 1e-12);
    question.load.drives = 2;
    RC_ASSERT(std::abs(fate_of(drive, question).life.count() / life - 1) < 1e-12);
  });
}

TEST(Endurance, ARuleReplacesOnlyWhatItSpeaksOf) {
  Scenario scenario;
  scenario.tiers.resize(2);
  scenario.tiers[0].medium = Medium::dram;
  scenario.tiers[1].medium = Medium::nvme;
  const Scenario back = with_write_rule(scenario, "back");
  EXPECT_EQ(back.tiers[0].write, WriteRule::through);
  EXPECT_EQ(back.tiers[1].write, WriteRule::back);
  EXPECT_EQ(back.tiers[1].admission.name(), "always");
  const Scenario twice = with_write_rule(back, "second_touch");
  EXPECT_EQ(twice.tiers[1].write, WriteRule::back);
  EXPECT_EQ(twice.tiers[1].admission.name(), "second_touch");
  EXPECT_EQ(twice.tiers[0].admission.name(), "always");
  for (const std::string_view name : write_rule_names()) {
    const Scenario changed = with_write_rule(scenario, name);
    EXPECT_TRUE(config::Scalar<WriteRule>::format(changed.tiers[1].write) == name ||
                changed.tiers[1].admission.name() == name)
        << name;
  }
}

}  // namespace
}  // namespace terrace
