#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "calibrate/fitting/forms/adapter.hpp"
#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/operands.hpp"
#include "calibrate/measuring/run.hpp"
#include "kernels/cpu/cpu_set.hpp"

namespace terrace::calibrate {
namespace {

using namespace literals;

/// A processor, and an H200 as its datasheet has it, with all families there are.
Extent extent_of(bool gpu, bool quick) {
  Extent extent{.quick = quick, .gpu = gpu, .threads = 8, .disk = 8_GiB};
  extent.memory = gpu ? 130_GiB : 16_GiB;
  extent.cache = gpu ? 60_MiB : 32_MiB;
  extent.pace = gpu ? Pace{4500_GBps, FlopRate{7e14}} : Pace{20_GBps, FlopRate{2e11}};
  return extent;
}

std::vector<Extent> extents() {
  return {extent_of(false, false), extent_of(false, true), extent_of(true, false),
          extent_of(true, true)};
}

TEST(CalibrationPlan, SaysOfEachPointWhatItIs) {
  const std::set<std::string> units = {"us", "ns", "GB/s"};
  for (const Extent& extent : extents()) {
    for (const Planned& planned : plan_of(families(), extent)) {  // which checks that ids differ
      const Measurement& m = planned.measurement;
      EXPECT_TRUE(m.id.starts_with(std::string(planned.family->name) + "/")) << m.id;
      EXPECT_TRUE(units.contains(m.unit)) << m.id;
      EXPECT_TRUE(m.cache.empty() || m.cache == "cold" || m.cache == "hot") << m.id;
      EXPECT_TRUE(m.seconds > 0 && m.seconds < 60) << m.id;
      EXPECT_TRUE(planned.family->needs_disk || m.written == Bytes{}) << m.id;
      EXPECT_TRUE(m.measure) << m.id;
      for (const auto& [name, value] : m.x.items()) {
        EXPECT_TRUE(value.is_number() || value.is_string() || value.is_boolean())
            << m.id << ": " << name;
      }
    }
  }
}

TEST(CalibrationPlan, IsTheSameEveryTime) {
  for (const Extent& extent : extents()) {
    const auto one = plan_of(families(), extent);
    const auto two = plan_of(families(), extent);
    ASSERT_EQ(one.size(), two.size());
    for (std::size_t i = 0; i < one.size(); ++i) {
      EXPECT_EQ(one[i].measurement.id, two[i].measurement.id);
      EXPECT_EQ(one[i].measurement.x, two[i].measurement.x);
    }
  }
}

TEST(CalibrationPlan, TakesSixMinutesOrTwo) {
  for (const Extent& extent : extents()) {
    double seconds = 0;
    for (const Planned& planned : plan_of(families(), extent)) {
      seconds += planned.measurement.seconds;
    }
    EXPECT_LT(seconds, extent.quick ? 120 : 360) << extent.gpu;
    EXPECT_GT(seconds, 10) << extent.gpu;
  }
}

TEST(CalibrationPlan, HasWhatFitsNeed) {
  for (const Extent& extent : {extent_of(false, false), extent_of(true, false)}) {
    std::map<std::string_view, int> points;
    for (const Planned& planned : plan_of(families(), extent)) {
      for (const Adapter& adapter : adapters()) {
        if (adapter.family != planned.family->name) continue;
        ++points[adapter.form];
        std::set<std::string_view> has;
        for (const auto& [name, value] : planned.measurement.x.items()) {
          has.insert(PointTable::canonical(name));
        }
        EXPECT_TRUE(has.contains("dtype")) << planned.measurement.id;
        for (const Column& column : adapter.columns) {
          EXPECT_TRUE(has.contains(column.name)) << planned.measurement.id << column.name;
        }
      }
    }
    for (const char* form : {"gemm", "decode", "mla_decode", "prefill"}) {
      EXPECT_GE(points[form], 24) << form;
    }
  }
}

TEST(CalibrationPlan, FitsASmallMachine) {
  Extent small = extent_of(false, false);
  small.memory = 256_MiB;
  small.cache = 2_MiB;
  small.disk = Bytes{};
  EXPECT_LT(plan_of(families(), small).size(), plan_of(families(), extent_of(false, false)).size());
  EXPECT_GT(plan_of(families(), small).size(), 50U);
}

/// The quickest point of each family of kernels, for real.
TEST(CalibrationFamiliesSlow, MeasureTimes) {
  Extent extent = extent_of(false, true);
  extent.threads = 2;
  extent.memory = 1_GiB;
  extent.cache = 1_MiB;
  kernels::CpuSet kernels(2);
  Operands operands(kernels, 4_MiB);
  Bench bench{.kernels = kernels,
              .threads = 2,
              .memory = extent.memory,
              .cache = extent.cache,
              .operands = &operands};
  for (const Family* family : families()) {
    if (family->needs_gpu || family->needs_disk) continue;
    std::vector<Measurement> plan = family->plan(extent);
    ASSERT_FALSE(plan.empty()) << family->name;
    std::sort(plan.begin(), plan.end(), [](const Measurement& a, const Measurement& b) {
      return std::pair(a.seconds, a.id) < std::pair(b.seconds, b.id);
    });
    const Sample sample = plan.front().measure(bench);
    EXPECT_GT(sample.median, 0) << plan.front().id;
    EXPECT_TRUE(std::isfinite(sample.p90)) << plan.front().id;
    EXPECT_LE(sample.min, sample.median) << plan.front().id;
  }
}

}  // namespace
}  // namespace terrace::calibrate
