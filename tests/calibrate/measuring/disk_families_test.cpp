#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "calibrate/disk/test_file.hpp"
#include "calibrate/measuring/device.hpp"
#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/operands.hpp"
#include "tests/calibrate/disk/temporary_directory.hpp"

namespace terrace::calibrate {
namespace {

using namespace literals;

const Family& family(std::string_view name) {
  const auto& all = families();
  return **std::ranges::find_if(all, [&](const Family* one) { return one->name == name; });
}

Extent extent_of(bool quick, Bytes disk) {
  Extent extent;
  extent.quick = quick;
  extent.threads = 1;
  extent.memory = 1_GiB;
  extent.cache = 1_MiB;
  extent.disk = disk;
  return extent;
}

TEST(DiskFamilies, PlanTheWholeGridOfTheDrive) {
  std::map<std::string, int> points;
  std::set<std::string> ids;
  double seconds = 0;
  for (const Measurement& m : family("ssd").plan(extent_of(false, 8_GiB))) {
    EXPECT_TRUE(ids.insert(m.id).second) << m.id;
    seconds += m.seconds;
    const auto op = m.x.at("op").get<std::string>();
    if (op == "sustained_write") continue;
    ++points[m.x.at("threads") == 1 ? op : "threads"];
    const auto share = m.x.at("write_share").get<double>();
    EXPECT_EQ(m.written > 0_B, share > 0) << m.id;
    EXPECT_EQ(op, share == 0 ? "read" : share == 1 ? "write" : "mix");
    const bool latency = m.x.at("depth") == 1 && op != "mix";
    EXPECT_EQ(m.unit, latency ? "us" : "GB/s") << m.id;
  }
  EXPECT_EQ(points,
            (std::map<std::string, int>{{"read", 19}, {"write", 19}, {"mix", 38}, {"threads", 2}}));
  EXPECT_LT(seconds, 70);
}

TEST(DiskFamilies, AreShortAndWriteLittleWhenItHasToBeQuick) {
  double seconds = 0;
  Bytes written{};
  std::size_t points = 0;
  for (const char* name : {"ssd", "bounce", "disk_interference", "interference"}) {
    for (const Measurement& m : family(name).plan(extent_of(true, 2_GiB))) {
      seconds += m.seconds;
      written += m.written;
      ++points;
    }
  }
  EXPECT_LT(seconds, 20);
  EXPECT_LT(written, 32_GiB);
  EXPECT_GE(points, 24U);
}

TEST(DiskFamilies, PlanNothingThatDoesNotFitTheFile) {
  for (const Measurement& m : family("ssd").plan(extent_of(false, 1_MiB))) {
    EXPECT_LE(m.x.value("io", std::int64_t{0}), (1_MiB).count()) << m.id;
  }
  EXPECT_TRUE(family("bounce").plan(extent_of(false, 1_MiB)).empty());
}

TEST(DiskFamilies, NeedOneIfTheyReadOrWrite) {
  for (const char* name : {"ssd", "bounce", "disk_interference"}) {
    EXPECT_TRUE(family(name).needs_disk) << name;
  }
  EXPECT_FALSE(family("interference").needs_disk);
  for (const Measurement& m : family("interference").plan(extent_of(true, 0_B))) {
    EXPECT_EQ(m.written, 0_B);
  }
}

TEST(DiskFamiliesSlow, MeasureAndWriteNoMoreThanTheySay) {
  const TemporaryDirectory directory;
  TestFile file(directory.path(), 96_MiB);
  const Device device = open_device("cpu", 1);
  Operands operands(*device.kernels, 4_MiB);
  Bench bench{.kernels = *device.kernels,
              .threads = 1,
              .memory = 1_GiB,
              .cache = 1_MiB,
              .disk = &file,
              .operands = &operands};
  const std::set<std::string> some = {
      "ssd/read/4096/q1",         "ssd/write/4096/q8",
      "ssd/write/1048576/q64",    "ssd/mix30/65536/q64",
      "ssd/mix50/1048576/q64",    "ssd/read/1048576/q16/t4",
      "ssd/sustained_write",      "bounce/4194304/s1",
      "bounce/1048576/s4",        "disk_interference/read/4096/write",
      "interference/decode/copy", "interference/copy/decode"};
  std::size_t measured = 0;
  for (const char* name : {"ssd", "bounce", "disk_interference", "interference"}) {
    for (const Measurement& m : family(name).plan(extent_of(true, file.size()))) {
      if (!some.contains(m.id)) continue;
      ++measured;
      const Bytes before = file.written();
      const Sample sample = m.measure(bench);
      EXPECT_TRUE(std::isfinite(sample.median) && sample.median > 0) << m.id;
      EXPECT_LE(file.written() - before, m.written) << m.id;
      EXPECT_EQ(file.written() > before, m.written > 0_B) << m.id;
      EXPECT_EQ(m.id == "ssd/sustained_write", !sample.series.empty()) << m.id;
    }
  }
  EXPECT_EQ(measured, some.size());
}

}  // namespace
}  // namespace terrace::calibrate
