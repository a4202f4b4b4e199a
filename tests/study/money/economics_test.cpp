#include "sim/study/money/economics.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/config/reader.hpp"

namespace terrace {
namespace {

using ::testing::HasSubstr;

EconomicsSpec read(const std::string& text) {
  config::Diagnostics diagnostics;
  const config::Node root = config::parse_yaml("spec.yaml", text, diagnostics);
  const config::Catalogue none;
  EconomicsSpec spec;
  config::Reader(root, "the spec", none, diagnostics).read(spec);
  diagnostics.raise();
  return spec;
}

TEST(Economics, ANodeOfEightGpusByHand) {
  // 8 GPUs at 35,000 USD, the rest of the node another 35 %, four years: 10.79 USD/h; 7 kW in a
  // building with PUE 1.3 at 10 ct: 0.91 USD/h.
  EconomicsSpec economics;
  economics.upkeep = 0;
  EXPECT_NEAR(cost_of_owning(economics, Dollars{8 * 35000 * 1.35}, Years{4}).count(), 10.79, 0.005);
  EXPECT_NEAR(cost_of_power(economics, Power{7000}).count(), 0.91, 1e-9);
}

TEST(Economics, UpkeepIsPaidEveryYear) {
  EconomicsSpec economics;
  economics.upkeep = 0.05;
  // 1000 USD over 4 years: 250 of writing off and 50 of upkeep in each.
  EXPECT_NEAR(cost_of_owning(economics, Dollars{1000}, Years{4}).count() * kHoursPerYear, 300,
              1e-9);
}

TEST(Economics, AreReadWithTheirUnits) {
  const EconomicsSpec read_back =
      read("{gpu_life: 18 months, electricity: 80 USD/MWh, pue: 1.1, upkeep: 0}");
  EXPECT_EQ(read_back.gpu_life, Years{1.5});
  EXPECT_EQ(read_back.drive_life, EconomicsSpec{}.drive_life);
  EXPECT_NEAR(read_back.electricity.count(), 0.08, 1e-12);
  EXPECT_EQ(read_back.pue, 1.1);
  EXPECT_EQ(read_back.upkeep, 0);
}

TEST(Economics, RefuseWhatCannotBe) {
  const auto complaint = [](const std::string& text) -> std::string {
    try {
      read(text);
    } catch (const config::ConfigError& error) {
      return error.what();
    }
    return {};
  };
  EXPECT_THAT(complaint("gpu_life: 0 years"), HasSubstr("gpu_life"));
  EXPECT_THAT(complaint("pue: 0.9"), HasSubstr("pue"));
  EXPECT_THAT(complaint("upkeep: -1"), HasSubstr("upkeep"));
  EXPECT_THAT(complaint("electricity: 0.1"), HasSubstr("unit"));
}

}  // namespace
}  // namespace terrace
