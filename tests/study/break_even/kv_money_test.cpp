#include "sim/study/break_even/kv_money.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "tests/for_all.hpp"
#include "tests/study/break_even/golden_machine.hpp"

namespace terrace {
namespace {

using testing::golden_machine;
using testing::GoldenModel;
using testing::kGolden70b;
using testing::kGolden8b;
using testing::kGoldenV3;
using testing::replicated_work;
using tests::for_all;

constexpr Years kHour{1 / kHoursPerYear};

// GPUs at 3 USD/h, drives and DRAM at prices of early 2026, five years, no upkeep; the value of a
// token is that of a short prompt's linear layers.
struct MoneyRow {
  const GoldenModel& model;
  double bytes;       // of KV per token, stored once
  double recompute;   // USD per token
  double wear_1dwpd;  // 357 USD/TB
  double wear_3dwpd;  // 430 USD/TB, 2.1 times as much of sequential writes
  double wear_qlc;    // 0.6 DWPD, 250 USD/TB
  double reuses;
  double ssd_hours;
  double dram_hours;  // 11 USD/GB
};

const MoneyRow kMoney[] = {{kGolden8b, 131072, 1.7e-8, 2.6e-8, 4.9e-9, 3.0e-8, 1.5, 16, 31.0 / 60},
                           {kGolden70b, 327680, 1.9e-7, 6.4e-8, 1.2e-8, 7.5e-8, 0.34, 72, 2.3},
                           {kGoldenV3, 70272, 1.1e-7, 1.4e-8, 2.6e-9, 1.6e-8, 0.13, 191, 6.2}};

DollarsPerTB wear(double dwpd, double price, double sequential) {
  SsdSpec ssd;
  ssd.dwpd = dwpd;
  ssd.sequential_endurance = sequential;
  return cost_of_writing(ssd, DollarsPerTB{price});
}

/// Of a prompt so short that attention is nothing.
Dollars short_recompute(const MoneyRow& row) {
  const PrefixTimes times(golden_machine(row.model), Tokens{16});
  const Duration all = times.recompute(16) - replicated_work(row.model, 256);
  return cost_of(DollarsPerHour{3}, all) * (static_cast<double>(row.model.gpus) / 256);
}

// To the two digits, at times three, that they are given with.
TEST(KvMoney, TheTableOfEarly2026) {
  EconomicsSpec economics;
  economics.upkeep = 0;
  for (const MoneyRow& row : kMoney) {
    SCOPED_TRACE(row.model.name);
    const Bytes token{std::llround(row.bytes)};
    const Dollars recompute = short_recompute(row);
    EXPECT_NEAR(recompute.count(), row.recompute, 0.04 * row.recompute);
    EXPECT_NEAR((token * wear(1, 357, 1)).count(), row.wear_1dwpd, 0.025 * row.wear_1dwpd);
    EXPECT_NEAR((token * wear(3, 430, 2.1)).count(), row.wear_3dwpd, 0.025 * row.wear_3dwpd);
    EXPECT_NEAR((token * wear(0.6, 250, 1)).count(), row.wear_qlc, 0.025 * row.wear_qlc);

    const auto hold = [&](double price) {
      return cost_of_owning(economics, token * DollarsPerTB{price}, Years{5});
    };
    TokenCosts costs{recompute, {}, token * wear(1, 357, 1), hold(357)};
    EXPECT_NEAR(reuses_to_repay(costs), row.reuses, 0.03 * row.reuses + 0.005);
    costs.write = {};
    EXPECT_NEAR(break_even_idle(costs, 1) / kHour, row.ssd_hours, 0.03 * row.ssd_hours);
    costs.hold = hold(11000);
    EXPECT_NEAR(break_even_idle(costs, 1) / kHour, row.dram_hours, 0.03 * row.dram_hours);
  }
}

TEST(KvMoney, AnOwnedGpuByHand) {
  GpuSpec gpu;
  EXPECT_FALSE(owned(gpu, {}));
  EXPECT_FALSE(rented(gpu));
  gpu.price = {{Dollars{20000}, Dollars{35040}, Dollars{50000}, "2026-05"}};
  gpu.power = Power{1000};
  gpu.cloud = {{DollarsPerHour{2}, DollarsPerHour{3}, DollarsPerHour{4}, "2026-06"}};
  EconomicsSpec economics;
  economics.upkeep = 0.25;
  // 35040 / 4 years is 1 USD/h, upkeep as much again; 1.3 kW at 10 ct.
  const auto price = owned(gpu, economics);
  ASSERT_TRUE(price);
  EXPECT_NEAR(price->per_hour.typical.count(), 2.13, 1e-9);
  EXPECT_LT(price->per_hour.low, price->per_hour.typical);
  EXPECT_EQ(price->as_of, "2026-05");
  EXPECT_EQ(rented(gpu)->per_hour.typical, DollarsPerHour{3});
}

TEST(KvMoney, WhatNeverPaysIsNotKept) {
  const TokenCosts costs{Dollars{1e-8}, Dollars{2e-8}, Dollars{1e-9}, DollarsPerHour{1e-9}};
  EXPECT_EQ(reuses_to_repay(costs), INFINITY);
  EXPECT_EQ(break_even_idle(costs, 5), Years{0});
}

// A token that lies in the tier for the break-even time costs as much as it saves.
TEST(KvMoney, AtTheBreakEvenIdleTimeCostsAreWhatIsSaved) {
  for_all([] {
    const auto some = [](int most) { return *rc::gen::inRange(1, most) * 1e-10; };
    const TokenCosts costs{Dollars{some(1000) + 1e-7}, Dollars{some(1000)}, Dollars{some(1000)},
                           DollarsPerHour{some(100)}};
    const double reuses = *rc::gen::inRange(1, 50);
    const double hours = break_even_idle(costs, reuses) / kHour;
    const double saved = reuses * (costs.recompute - costs.load).count();
    const double spent = costs.write.count() + hours * costs.hold.count();
    if (reuses <= reuses_to_repay(costs)) {
      RC_ASSERT(hours == 0);
    } else {
      RC_ASSERT(std::abs(saved - spent) <= 1e-9 * saved);
    }
  });
}

TEST(KvMoney, DearMemoryAndCheapGpusKeepLess) {
  const Scenario machine = golden_machine(kGolden8b);
  const EconomicsSpec economics;
  const auto gpu = owned(machine.hardware.gpu, economics);
  const auto kept = keeping(machine, Medium::nvme, economics);
  ASSERT_TRUE(gpu && kept);
  EXPECT_FALSE(keeping(machine, Medium::network, economics));
  EXPECT_EQ(keeping(machine, Medium::dram, economics)->write.high, Dollars{});
  BreakEvenQuestion question;
  question.tiers = {Medium::nvme};
  question.prefixes = {Tokens{65536}};
  const BreakEven answer = break_even(machine, question);
  const PrefixAnswer& row = answer.prefixes.front();
  const Worth worth = worth_of_keeping(*gpu, 1, row, row.loads.front(), *kept, 3);
  EXPECT_GT(worth.reuses.low, worth.reuses.typical);
  EXPECT_GT(worth.reuses.typical, worth.reuses.high);
  EXPECT_LT(worth.idle.low, worth.idle.typical);
  EXPECT_LT(worth.idle.typical, worth.idle.high);
}

}  // namespace
}  // namespace terrace
