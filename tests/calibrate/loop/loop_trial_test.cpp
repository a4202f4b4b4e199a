// The closed loop on this machine, once and as short as can be: that all of it works, not how well.

#include <map>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "calibrate/loop/closed_loop.hpp"
#include "calibrate/loop/loop_report.hpp"
#include "kernels/cpu/cpu_set.hpp"
#include "tests/calibrate/disk/temporary_directory.hpp"
#include "tests/calibrate/labs/far_set.hpp"

namespace terrace::calibrate {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

LoopOptions trial(const TemporaryDirectory& directory) {
  LoopOptions options;
  options.extent = LoopExtent::trial;
  options.disk = directory.path();
  return options;
}

void expect_both_sides(const LoopResult& r) {
  ASSERT_EQ(r.workloads.size(), 2U);
  EXPECT_FALSE(r.workloads[0].evicts);
  EXPECT_TRUE(r.workloads[1].evicts);
  EXPECT_EQ(r.workloads[1].quantities.size(), kQuantities.size());
  for (const ComparedWorkload& w : r.workloads) {
    for (const ComparedQuantity& q : w.quantities) {
      EXPECT_TRUE(q.on_both_sides()) << w.name << ' ' << kQuantities[q.quantity].name;
    }
  }
}

TEST(LoopTrialSlow, MeasuresServesAndPredictsEverything) {
  const TemporaryDirectory directory;
  std::map<std::string, int> asked;
  kernels::CpuSet cpu(1);
  const LoopResult r = close_loop(trial(directory), cpu, true, [&](std::string_view what, double) {
    ++asked[std::string(what)];
  });
  EXPECT_GE(asked["measuring moves"], 4 * 7) << "a signal is to be heard between any two moves";
  EXPECT_EQ(asked["serving"], 2);
  expect_both_sides(r);
  EXPECT_EQ(r.host, "");
  EXPECT_FALSE(loop_text(r).empty());
  EXPECT_EQ(nlohmann::json::parse(loop_json(r))["workloads"].size(), 2U);
  EXPECT_TRUE(directory.empty());
}

TEST(LoopTrialSlow, DoesTheSameInMemoryThatTheHostCannotReach) {
  const TemporaryDirectory directory;
  tests::FarSet far;
  const LoopResult r = close_loop(trial(directory), far, false, [](std::string_view, double) {});
  expect_both_sides(r);
  EXPECT_THAT(r.host, HasSubstr("1 thread"));
  EXPECT_THAT(r.caveats, Contains(HasSubstr("engines move many at once")));
  EXPECT_THAT(loop_text(r), HasSubstr("device       far\nhost         "));
}

TEST(LoopTrialSlow, StopsWhereItIsToldTo) {
  const TemporaryDirectory directory;
  int asked = 0;
  const auto stop = [&](std::string_view what, double) {
    if (what == "measuring moves" && ++asked == 3) throw std::runtime_error("stopped");
  };
  kernels::CpuSet cpu(1);
  EXPECT_THROW(close_loop(trial(directory), cpu, true, stop), std::runtime_error);
  EXPECT_EQ(asked, 3);
  EXPECT_TRUE(directory.empty());
}

}  // namespace
}  // namespace terrace::calibrate
