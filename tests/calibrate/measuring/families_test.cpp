#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "calibrate/fitting/dataset.hpp"
#include "calibrate/fitting/forms/adapter.hpp"
#include "calibrate/measuring/device.hpp"
#include "calibrate/measuring/environment.hpp"
#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/operands.hpp"
#include "calibrate/measuring/run.hpp"
#include "calibrate/profile/device_part.hpp"
#include "calibrate/profile/known_gpu.hpp"
#include "calibrate/profile/link_part.hpp"
#include "kernels/cpu/cpu_set.hpp"
#include "kernels/cuda/transfers.hpp"
#include "tests/calibrate/measuring/host_link.hpp"

namespace terrace::calibrate {
namespace {

using namespace literals;

/// A processor, and an H200 at its pace, with all families there are.
Extent extent_of(bool gpu, bool quick) {
  Extent extent{.quick = quick, .gpu = gpu, .threads = 8, .disk = 8_GiB};
  extent.capability = gpu ? 90 : 0;
  extent.memory =
      gpu ? Bytes{(139_GiB).count() / 2} : 16_GiB;  // as a session takes half of what is free
  extent.direct_disk = gpu;
  extent.cache = gpu ? 60_MiB : 32_MiB;
  extent.pace = gpu ? Pace{4300_GBps, FlopRate{7.8e14}} : usual_pace(extent.threads);
  return extent;
}

std::vector<Extent> extents() {
  return {extent_of(false, false), extent_of(false, true), extent_of(true, false),
          extent_of(true, true)};
}

MeasuredPoint point_of_memory() {
  return {.id = "memory/0",
          .family = "memory",
          .x = {{"op", "read"}, {"bytes", 1 << 30}},
          .cache = "cold",
          .unit = "us",
          .sample = {.median = 300, .n = 15},
          .error = {}};
}

MeasuredPoint point_of_product() {
  return {.id = "gemm/0",
          .family = "gemm",
          .x = {{"m", 4096}, {"n", 4096}, {"k", 4096}, {"dtype", "bf16"}},
          .cache = "cold",
          .unit = "us",
          .sample = {.median = 200, .n = 15},
          .error = {}};
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
  std::vector<Extent> all = extents();
  for (const int threads : {1, 2, 64}) {
    all.push_back(extent_of(false, true));
    all.back().threads = threads;
    all.back().pace = usual_pace(threads);
  }
  for (const Extent& extent : all) {
    // Of numbers of 16 bits, and of one value of the column that has fits of its own.
    std::map<std::string_view, std::map<std::string, std::size_t>> points;
    for (const Planned& planned : plan_of(families(), extent)) {
      for (const Adapter& adapter : adapters()) {
        if (adapter.family != planned.family->name || adapter.of_processor == extent.gpu) continue;
        std::set<std::string_view> has;
        for (const auto& [name, value] : planned.measurement.x.items()) {
          has.insert(PointTable::canonical(name));
        }
        EXPECT_TRUE(has.contains("dtype")) << planned.measurement.id;
        for (const Column& column : adapter.columns) {
          EXPECT_TRUE(has.contains(column.name)) << planned.measurement.id << column.name;
        }
        if (!extent.gpu && planned.measurement.cache == "hot") continue;  // no law is of these
        std::string part;
        bool of_16_bits = false;
        for (const auto& [name, value] : planned.measurement.x.items()) {
          const std::string_view canonical = PointTable::canonical(name);
          if (canonical == "dtype") of_16_bits = value == "bf16";
          if (canonical == adapter.only) part = value.dump();
        }
        if (of_16_bits) ++points[adapter.form][part];
      }
    }
    EXPECT_GE(points.size(), 4U);
    for (const Adapter& adapter : adapters()) {
      if (!points.contains(adapter.form)) continue;
      std::size_t most = 0;
      for (const auto& [part, count] : points.at(adapter.form)) most = std::max(most, count);
      EXPECT_GE(2 * most, 3 * fewest_points(adapter))
          << adapter.form << " quick " << extent.quick << " threads " << extent.threads;
    }
  }
}

/// The ids of products of that type.
std::set<std::string> products_of(const std::string& dtype, const Extent& extent) {
  std::set<std::string> ids;
  for (const Planned& planned : plan_of(chosen_families("gemm", families()), extent)) {
    const Measurement& m = planned.measurement;
    if (m.x.at("dtype") != dtype) continue;
    EXPECT_TRUE(m.id.starts_with("gemm/" + dtype + "/m")) << m.id;
    EXPECT_EQ(m.x.contains("activations"), dtype == "fp8") << m.id;
    ids.insert(m.id);
  }
  return ids;
}

TEST(CalibrationPlan, MultipliesTheTypesThatTheDeviceHas) {
  Extent gpu = extent_of(true, false);
  EXPECT_GE(products_of("bf16", gpu).size(), 48U);
  EXPECT_GE(products_of("fp8", gpu).size(), 48U);
  EXPECT_EQ(products_of("tf32", gpu).size(), 8U);
  EXPECT_TRUE(products_of("fp8", gpu).contains("gemm/fp8/m1/n4096/k4096/cold"));
  EXPECT_FALSE(products_of("fp8", extent_of(true, true)).empty());
  gpu.capability = 80;  // A100
  EXPECT_TRUE(products_of("fp8", gpu).empty());
  EXPECT_EQ(products_of("tf32", gpu).size(), 8U);
  for (const bool quick : {false, true}) {
    const Extent processor = extent_of(false, quick);
    EXPECT_EQ(products_of("bf16", processor).size(),
              plan_of(chosen_families("gemm", families()), processor).size());
  }
}

/// What a GPU is to measure, on a processor: it has fp8, and does not have tf32.
TEST(CalibrationFamiliesSlow, HandKernelsTheTypesThatTheyPlan) {
  kernels::CpuSet kernels(2);
  Operands operands(kernels, 4_MiB);
  Bench bench{.kernels = kernels, .gpu = true, .threads = 2, .operands = &operands};
  std::set<std::string> tried;
  for (const Planned& planned :
       plan_of(chosen_families("gemm", families()), extent_of(true, false))) {
    const Measurement& m = planned.measurement;
    if (m.id == "gemm/fp8/m1/n4096/k4096/cold" || m.id == "gemm/bf16/m1/n4096/k4096/cold") {
      EXPECT_GT(m.measure(bench).median, 0) << m.id;
      tried.insert(m.id);
    } else if (m.id == "gemm/tf32/m16/n4096/k4096/cold") {
      EXPECT_THROW(m.measure(bench), kernels::Unsupported);
      tried.insert(m.id);
    }
  }
  EXPECT_EQ(tried.size(), 3U);
}

TEST(CalibrationPlan, FitsASmallMachine) {
  Extent small = extent_of(false, false);
  small.memory = 256_MiB;
  small.cache = 2_MiB;
  small.disk = Bytes{};
  EXPECT_LT(plan_of(families(), small).size(), plan_of(families(), extent_of(false, false)).size());
  EXPECT_GT(plan_of(families(), small).size(), 50U);
}

/// A link that takes 8 us and 50 GB/s, and half as much more in both directions at once.
class LawfulLink final : public testing::HostLink {
 public:
  static double seconds_of(kernels::Transfer way, Bytes size) {
    const double both = way == kernels::Transfer::both_ways ? 1.5 : 1;
    return 8e-6 + both * static_cast<double>(size.count()) / 50e9;
  }
  kernels::TransferTime copy(kernels::HostMemory memory, kernels::Transfer way, Bytes size,
                             int) override {
    return {seconds_of(way, size) * (memory == kernels::HostMemory::pageable ? 4 : 1), 0};
  }
};

TEST(GpuFamilies, MeasureTransfersSoThatALinkIsKnown) {
  kernels::CpuSet host(1);
  LawfulLink link;
  Bench bench{.kernels = host, .gpu = true, .transfers = &link};
  for (const bool quick : {false, true}) {
    MeasuredRun run{"2026-11-22T10:00:00Z", {}, {{"gpu", "a GPU"}, {"memory_mib", 1024}}, {}, {}};
    for (const Planned& planned :
         plan_of(chosen_families("transfer", families()), extent_of(true, quick))) {
      const Measurement& m = planned.measurement;
      run.points.push_back({.id = m.id,
                            .family = "transfer",
                            .x = m.x,
                            .cache = m.cache,
                            .unit = m.unit,
                            .sample = m.measure(bench),
                            .error = {}});
    }
    const config::Catalogue none;
    PartMaker maker{run, none};
    GpuSpec gpu;
    link_part(maker, gpu);
    EXPECT_NEAR(gpu.host_link.h2d.count(), 50e9, 1e8);
    EXPECT_NEAR(gpu.host_link.d2h.count(), 50e9, 1e8);
    EXPECT_NEAR(seconds(gpu.host_link.latency), 8e-6, 1e-7);
    EXPECT_NEAR(gpu.host_link.duplex, 1 / 1.5, 0.01);
  }
  EXPECT_TRUE(plan_of(chosen_families("transfer", families()), extent_of(false, false)).empty());
}

TEST(GpuFamilies, TellTheGpuAsProfilesKnowIt) {
  const auto facts = json_of(kernels::GpuFacts{.name = "NVIDIA H200",
                                               .capability = 90,
                                               .multiprocessors = 132,
                                               .memory = Bytes{std::int64_t{143771} << 20U},
                                               .l2 = 60_MiB,
                                               .driver_cuda = 13000,
                                               .runtime_cuda = 12080,
                                               .pci = "0000:3b:00.0"});
  MeasuredRun run{"2026-11-22T10:00:00Z", {}, facts, {}, {}};
  run.host.update(host_facts());  // which does not take the place of any
  for (const auto& [name, value] : facts.items()) EXPECT_EQ(run.host.at(name), value) << name;
  EXPECT_EQ(facts.at("cuda"), "12.8");
  EXPECT_EQ(facts.at("gpu_pci"), "0000:3b:00.0");
  EXPECT_EQ(facts.at("cuda_of_driver"), "13.0");

  const config::Catalogue shipped({TERRACE_SOURCE_DIR});
  PartMaker maker{run, shipped};
  const auto known = known_gpu(maker);
  ASSERT_TRUE(known);
  EXPECT_EQ(known->name, "H200 SXM");

  run.host["gpu"] = "a GPU that nobody knows";  // then it is described by its facts
  run.points = {point_of_memory(), point_of_product()};
  const GpuSpec described = device_part(maker);
  EXPECT_EQ(described.architecture, "sm_90");
  EXPECT_EQ(described.sms, 132);
  EXPECT_EQ(described.memory, Bytes{std::int64_t{143771} << 20U});
  EXPECT_EQ(described.l2, 60_MiB);
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
