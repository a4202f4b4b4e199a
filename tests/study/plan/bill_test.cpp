// What machines cost: by hand, under random plans, and over many draws of prices.

#include "sim/study/plan/bill.hpp"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/for_all.hpp"
#include "tests/study/plan/plans.hpp"

namespace terrace {
namespace {

using ::testing::HasSubstr;
using tests::for_all;
using tests::plan_of;

template <class Price>
void set_price(SourcedPrice<Price>& price, double typical) {
  price.range.low = price.range.typical = price.range.high = Price{typical};
}

const Bill::Line* line_of(const Bill& bill, Bill::Part part) {
  for (const Bill::Line& line : bill.lines) {
    if (line.part == part) return &line;
  }
  return nullptr;
}

TEST(Bill, OfANodeOfEightGpusByHand) {
  // Eight H200 at 35,000 USD, the rest of the node for another 35 %, over four years, and 7 kW in a
  // building with a PUE of 1.3 at 10 ct per kWh: 10.79 + 0.91 USD per hour.
  Plan plan = plan_of();
  plan.spec.economics.gpu_life = plan.spec.economics.host_life = Years{4};
  plan.spec.economics.upkeep = 0;
  Candidate node = plan.candidates[0];
  const double dram = (node.dram * node.prices.dram.range.typical).count();
  set_price(node.prices.chassis, 0.35 * 8 * 35000 - dram);
  node.scenario.hardware.gpu.idle_power = node.scenario.hardware.gpu.power = Power{800};
  node.scenario.hardware.host.power = Power{600};

  const Bill one = bill(plan, node, 1, {});
  EXPECT_NEAR(one.purchase.count(), 378'000, 1e-6);
  EXPECT_NEAR(line_of(one, Bill::Part::electricity)->per_hour.count(), 0.91, 1e-9);
  EXPECT_NEAR(one.per_hour.count(), 10.79 + 0.91, 0.005);
  EXPECT_EQ(one.rack_units, 8);
  EXPECT_FALSE(one.drive_life.has_value());

  const Bill three = bill(plan, node, 3, {});
  EXPECT_NEAR(three.per_hour.count(), 3 * one.per_hour.count(), 1e-9);
  EXPECT_EQ(three.rack_units, 24);
  EXPECT_NEAR(three.most_power.count(), 21'000, 1e-9);
}

TEST(Bill, MachinesAtRestDrawLess) {
  // Eight GPUs between 119 and 700 W, four drives between 5 and 20 W, a host of 284 W; busy 80 %
  // and 40 % of the time at the peak, half of that over the day.
  const Plan plan = plan_of();
  const Bill node = bill(plan, plan.candidates[1], 1, {0.8, 0.4, {}});
  EXPECT_NEAR(node.mean_power.count(),
              8 * (119 + 0.4 * (700 - 119)) + 4 * (5 + 0.2 * (20 - 5)) + 284, 1e-9);
  EXPECT_NEAR(node.most_power.count(), 8 * 700 + 4 * 20 + 284, 1e-9);
}

TEST(Bill, UpkeepIsPaidOnWhatWasBought) {
  Plan plan = plan_of();
  plan.spec.economics.upkeep = 0;
  const Bill without = bill(plan, plan.candidates[1], 2, {});
  plan.spec.economics.upkeep = 0.05;
  const Bill with = bill(plan, plan.candidates[1], 2, {});
  EXPECT_NEAR((with.per_hour - without.per_hour).count() * kHoursPerYear,
              0.05 * with.purchase.count(), 1e-6);
}

TEST(Bill, DrivesThatWearOutAreBoughtAgain) {
  // Four drives of 7.68 TB and one write a day bear 4 * 7.68 TB a day for five years; written twice
  // that at the mean of the day, they last 2.5 years, and over five of them are bought twice.
  Plan plan = plan_of();
  plan.spec.economics.upkeep = 0;
  const Candidate& candidate = plan.candidates[1];
  const double rated = 4 * 7.68e12 / 86400;
  const auto at = [&](double times) {
    return bill(plan, candidate, 1, {0, 0, Bandwidth{times * rated / plan.spec.demand.mean_load}});
  };
  const Bill gentle = at(0.9);
  EXPECT_NEAR(gentle.drive_life->count(), 5 / 0.9, 1e-9);
  EXPECT_EQ(line_of(gentle, Bill::Part::worn_drives), nullptr);
  EXPECT_NEAR(line_of(gentle, Bill::Part::drives)->per_hour.count() * 5 * kHoursPerYear,
              4 * 7.68 * 357, 1e-6);

  const Bill hard = at(2);
  EXPECT_NEAR(hard.drive_life->count(), 2.5, 1e-9);
  EXPECT_EQ(line_of(hard, Bill::Part::worn_drives)->purchase, Dollars{}) << "not today";
  EXPECT_NEAR(line_of(hard, Bill::Part::worn_drives)->per_hour.count() * 5 * kHoursPerYear,
              4 * 7.68 * 357, 1e-6);
  EXPECT_EQ(hard.purchase, gentle.purchase);

  EXPECT_EQ(at(0).drive_life->count(), INFINITY);
}

TEST(Bill, EachLineSaysWhereItsPriceComesFrom) {
  const Plan plan = plan_of();
  const Bill node = bill(plan, plan.candidates[1], 1, {});
  EXPECT_THAT(line_of(node, Bill::Part::gpus)->source, HasSubstr("measured: about 35,000 USD"));
  EXPECT_EQ(line_of(node, Bill::Part::chassis)->source, "plan.yaml, 2026-06");
  EXPECT_THAT(line_of(node, Bill::Part::drives)->source, HasSubstr("VDURA"));
  for (const Bill::Line& line : node.lines) EXPECT_FALSE(line.source.empty());
}

template <class Price>
void scale(SourcedPrice<Price>& price, double factor) {
  price.range.low = price.range.low * factor;
  price.range.typical = price.range.typical * factor;
  price.range.high = price.range.high * factor;
}

template <class Price>
void randomise(SourcedPrice<Price>& price) {
  const double low = *rc::gen::inRange(1, 1000);
  const double typical = low + *rc::gen::inRange(0, 1000);
  const double high = typical + *rc::gen::inRange(0, 1000);
  price.range = {Price{low}, Price{typical}, Price{high}, "2026"};
}

PriceDraw any_draw() {
  switch (*rc::gen::inRange(0, 4)) {
    case 0:
      return {};
    case 1:
      return PriceDraw::lowest();
    case 2:
      return PriceDraw::highest();
    default:
      return PriceDraw::random(static_cast<std::uint64_t>(*rc::gen::inRange(0, 1'000'000)));
  }
}

TEST(Bill, DoublingEveryPriceDoublesEveryCostAndNothingElse) {
  const Plan given = plan_of();
  for_all([&] {
    Plan plan = given;
    plan.spec.economics.upkeep = *rc::gen::inRange(0, 10) * 0.01;
    plan.spec.economics.drive_life = Years{1.0 * *rc::gen::inRange(1, 8)};
    plan.spec.economics.electricity = DollarsPerKWh{*rc::gen::inRange(0, 40) * 0.01};
    Candidate& candidate = plan.candidates[*rc::gen::inRange<std::size_t>(0, 13)];
    PartPrices& prices = candidate.prices;
    randomise(prices.gpu);
    randomise(prices.chassis);
    randomise(prices.dram);
    if (prices.drive) randomise(*prices.drive);
    const std::int64_t nodes = *rc::gen::inRange(1, 40);
    const NodeUse use{*rc::gen::inRange(0, 101) * 0.01, *rc::gen::inRange(0, 101) * 0.01,
                      Bandwidth{*rc::gen::inRange(0, 100) * 1e8}};
    const PriceDraw draw = any_draw();
    const Bill once = bill(plan, candidate, nodes, use, draw);

    scale(prices.gpu, 2);
    scale(prices.chassis, 2);
    scale(prices.dram, 2);
    if (prices.drive) scale(*prices.drive, 2);
    plan.spec.economics.electricity = plan.spec.economics.electricity * 2;
    const Bill twice = bill(plan, candidate, nodes, use, draw);

    // Doubling is exact in binary, whatever was rounded before.
    RC_ASSERT(twice.purchase == once.purchase * 2);
    RC_ASSERT(twice.per_hour == once.per_hour * 2);
    RC_ASSERT(twice.lines.size() == once.lines.size());
    for (std::size_t i = 0; i < once.lines.size(); ++i) {
      RC_ASSERT(twice.lines[i].part == once.lines[i].part);
      RC_ASSERT(twice.lines[i].per_hour == once.lines[i].per_hour * 2);
      RC_ASSERT(once.lines[i].per_hour >= DollarsPerHour{});
    }
    DollarsPerHour sum;
    for (const Bill::Line& line : once.lines) sum += line.per_hour;
    RC_ASSERT(sum == once.per_hour);
    RC_ASSERT(twice.mean_power == once.mean_power);
    RC_ASSERT(twice.most_power == once.most_power);
    RC_ASSERT(twice.drive_life == once.drive_life);
    RC_ASSERT(once.mean_power <= once.most_power);
  });
}

SourcedPrice<Dollars> range(double low, double typical, double high) {
  return {
      "a thing", {Dollars{low}, Dollars{typical}, Dollars{high}, "2026"}, "assumed: for a test"};
}

TEST(PriceDraw, IsTriangular) {
  const auto price = range(100, 150, 350);
  constexpr int kDraws = 100'000;
  double sum = 0;
  int below_peak = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double drawn = PriceDraw::random(static_cast<std::uint64_t>(i)).of(price).count();
    ASSERT_GE(drawn, 100);
    ASSERT_LE(drawn, 350);
    sum += drawn;
    below_peak += drawn < 150 ? 1 : 0;
  }
  // Mean (a + b + c) / 3, variance (a² + b² + c² - ab - ac - bc) / 18; a part (b - a) / (c - a) of
  // all lies below the peak. Within four standard errors.
  const double deviation =
      std::sqrt((100.0 * 100 + 150 * 150 + 350 * 350 - 100 * 150 - 100 * 350 - 150 * 350) / 18);
  EXPECT_NEAR(sum / kDraws, 200, 4 * deviation / std::sqrt(kDraws));
  EXPECT_NEAR(below_peak / 1.0 / kDraws, 0.2, 4 * std::sqrt(0.2 * 0.8 / kDraws));
}

TEST(PriceDraw, TheSameNumberDrawsTheSameForOneProductAndAnotherForAnother) {
  const auto price = range(1, 2, 3);
  auto other = price;
  other.product = "another thing";
  EXPECT_EQ(PriceDraw::random(7).of(price), PriceDraw::random(7).of(price));
  EXPECT_NE(PriceDraw::random(7).of(price), PriceDraw::random(8).of(price));
  EXPECT_NE(PriceDraw::random(7).of(price), PriceDraw::random(7).of(other));
}

TEST(PriceDraw, StaysWithinItsBounds) {
  for_all([] {
    SourcedPrice<Dollars> price = range(1, 1, 1);
    randomise(price);
    const Dollars drawn = any_draw().of(price);
    RC_ASSERT(price.range.low <= drawn);
    RC_ASSERT(drawn <= price.range.high);
  });
}

TEST(PriceDraw, TheEndsAndTheMiddle) {
  const auto price = range(1, 2, 4);
  EXPECT_EQ(PriceDraw().of(price), Dollars{2});
  EXPECT_EQ(PriceDraw::lowest().of(price), Dollars{1});
  EXPECT_EQ(PriceDraw::highest().of(price), Dollars{4});
  EXPECT_EQ(PriceDraw::random(3).of(range(5, 5, 5)), Dollars{5});
}

TEST(DriveNeed, TheLargestBinds) {
  EXPECT_EQ((DriveNeed{3, 2, 1}).binding(), "capacity");
  EXPECT_EQ((DriveNeed{3, 4, 1}).binding(), "bandwidth");
  EXPECT_EQ((DriveNeed{3, 4, 5}).binding(), "endurance");
  EXPECT_EQ((DriveNeed{3, 3, 3}).binding(), "capacity");
  EXPECT_EQ(DriveNeed{}.binding(), "");
}

}  // namespace
}  // namespace terrace
