// The closed loop on this machine, once and as short as can be: that all of it works, not how well.

#include <map>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "calibrate/loop/closed_loop.hpp"
#include "calibrate/loop/loop_report.hpp"
#include "tests/calibrate/disk/temporary_directory.hpp"

namespace terrace::calibrate {
namespace {

TEST(LoopTrialSlow, MeasuresServesAndPredictsEverything) {
  const TemporaryDirectory directory;
  LoopOptions options;
  options.extent = LoopExtent::trial;
  options.disk = directory.path();
  std::map<std::string, int> asked;
  const LoopResult r =
      close_loop(options, [&](std::string_view what, double) { ++asked[std::string(what)]; });
  EXPECT_GE(asked["measuring moves"], 4 * 7) << "a signal is to be heard between any two moves";
  EXPECT_EQ(asked["serving"], 2);
  ASSERT_EQ(r.workloads.size(), 2U);
  EXPECT_FALSE(r.workloads[0].evicts);
  EXPECT_TRUE(r.workloads[1].evicts);
  EXPECT_EQ(r.workloads[1].quantities.size(), kQuantities.size());
  for (const ComparedWorkload& w : r.workloads) {
    for (const ComparedQuantity& q : w.quantities) {
      EXPECT_TRUE(q.on_both_sides()) << w.name << ' ' << kQuantities[q.quantity].name;
    }
  }
  EXPECT_FALSE(loop_text(r).empty());
  EXPECT_EQ(nlohmann::json::parse(loop_json(r))["workloads"].size(), 2U);
  EXPECT_TRUE(directory.empty());
}

TEST(LoopTrialSlow, StopsWhereItIsToldTo) {
  const TemporaryDirectory directory;
  LoopOptions options;
  options.extent = LoopExtent::trial;
  options.disk = directory.path();
  int asked = 0;
  const auto stop = [&](std::string_view what, double) {
    if (what == "measuring moves" && ++asked == 3) throw std::runtime_error("stopped");
  };
  EXPECT_THROW(close_loop(options, stop), std::runtime_error);
  EXPECT_EQ(asked, 3);
  EXPECT_TRUE(directory.empty());
}

}  // namespace
}  // namespace terrace::calibrate
