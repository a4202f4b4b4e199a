// The drive of a profile: what the disk was measured to do, and how far that is believed.

#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calibrate/disk/test_file.hpp"
#include "calibrate/profile/machine_profile.hpp"
#include "calibrate/profile/shape.hpp"
#include "sim/fabric/number_source.hpp"
#include "tests/calibrate/profile/synthetic_run.hpp"

namespace terrace::calibrate {
namespace {

using terrace::testing::full_run;
using terrace::testing::RunMaker;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const config::Catalogue kCatalogue({TERRACE_SOURCE_DIR});

void expect_near(double found, double truth, double share) {
  EXPECT_NEAR(found / truth, 1, share) << found << " for " << truth;
}

// Points of a real run: what families write, profiles read.
TEST(DiskPartSlow, HasTheDiskOfAPublishedRun) {
  const MeasuredRun run =
      read_measured_run(TERRACE_SOURCE_DIR "/reports/calibration/results/two-vcpus.points.json");
  const MachineProfile profile = machine_profile(run, kCatalogue);
  ASSERT_TRUE(profile.machine.ssd) << fmt::format("{}", fmt::join(profile.notes, "\n"));
  const SsdSpec& ssd = *profile.machine.ssd;
  EXPECT_EQ(ssd.name, "virtio, virtual");
  const MeasuredPoint* alone = nullptr;
  for (const MeasuredPoint& point : run.points) {
    if (point.id == "ssd/read/4096/q1") alone = &point;
  }
  ASSERT_NE(alone, nullptr);
  expect_near(seconds(ssd.read.latency), seconds_of(*alone), 0.5);
  EXPECT_THAT(machine_yaml(profile, run), HasSubstr("\nssd:\n"));
}

TEST(DiskPart, SaysThatTooFewCommandsMakeNoDrive) {
  MeasuredRun run = full_run();
  std::erase_if(run.points, [](const MeasuredPoint& point) {
    return point.family == "ssd" && point.x.at("op") != "mix";
  });
  const MachineProfile profile = machine_profile(run, kCatalogue);
  EXPECT_FALSE(profile.machine.ssd);
  EXPECT_THAT(profile.notes, Contains(HasSubstr("no drive: ")));
}

TEST(DiskPart, WritesAsFastAsADriveGoesOnWriting) {
  MeasuredRun run = full_run();
  MeasuredPoint sustained;
  sustained.id = "ssd/sustained_write";
  sustained.family = "ssd";
  sustained.x = {{"op", "sustained_write"}, {"io", 1 << 20}, {"depth", 16}, {"window_ms", 500}};
  sustained.unit = "GB/s";
  sustained.sample = {.median = 1.5, .p10 = 1.5, .p90 = 1.5, .min = 1.5, .n = 8};
  sustained.sample.series = std::vector<double>(8, 1.5);  // slow from the start
  run.points.push_back(sustained);
  const SsdSpec slow = machine_profile(run, kCatalogue).machine.ssd.value();
  EXPECT_DOUBLE_EQ(slow.write.bandwidth.count(), 1.5e9);
  EXPECT_THAT(slow.sources.at("write.bandwidth"), HasSubstr("writes, after 4.5 GB of them"));
  expect_near(slow.read.bandwidth.count(), 3e9, 0.02);

  run.points.back().sample.series = {2, 2, 2, 2, 1, 1, 1, 1};
  const SsdSpec falling = machine_profile(run, kCatalogue).machine.ssd.value();
  EXPECT_DOUBLE_EQ(falling.write.bandwidth.count(), 1e9);
  EXPECT_THAT(falling.sources.at("write.bandwidth"), HasSubstr("got slower, after 5 GB of them"));

  run.points.back().sample.series = std::vector<double>(8, 4);  // no reason to be faster
  const SsdSpec fast = machine_profile(run, kCatalogue).machine.ssd.value();
  expect_near(fast.write.bandwidth.count(), 3e9, 0.02);
}

TEST(DiskPart, TellsAnArrayFromADrive) {
  MeasuredRun run = RunMaker({}).memory().gemm().disk(false).run();
  run.host["disk"]["model"] = "2 x A";
  run.host["disk"]["drives"] = 2;
  run.host["disk"]["capacity_bytes"] = 7'680'000'000'000;
  const MachineProfile profile = machine_profile(run, kCatalogue);
  const SsdSpec& ssd = profile.machine.ssd.value();
  EXPECT_EQ(ssd.name, "2 x A");
  EXPECT_EQ(ssd.capacity, Bytes{7'680'000'000'000});
  EXPECT_THAT(ssd.sources.at("capacity"), StartsWith("measured: "));
  EXPECT_THAT(profile.notes, Contains(HasSubstr("made of 2 drives")));
}

TEST(DiskPart, HeedsWhatTheTestFileLost) {
  MeasuredRun run = full_run();
  run.host["disk"]["caveats"] = {"no io_uring (denied): every command in flight takes a thread"};
  const auto confidence = [&]() {
    const HardwareSpec machine = machine_profile(run, kCatalogue).machine;
    return std::string(
        NumberSource::parse(machine.ssd.value().sources.at("read")).value().confidence);
  };
  EXPECT_THAT(machine_profile(run, kCatalogue).notes, Contains(HasSubstr("no io_uring (denied)")));
  EXPECT_EQ(confidence(), "high");
  run.host["disk"]["caveats"] = {
      "no O_DIRECT on overlay: times are those of the page cache as well"};
  EXPECT_EQ(confidence(), "low");
  EXPECT_THAT(machine_profile(run, kCatalogue).notes,
              Contains(HasSubstr("no O_DIRECT on overlay")));
  run.host["disk"]["caveats"] = TestFile("/dev/shm", Bytes{4096}).caveats();
  EXPECT_EQ(confidence(), "low") << "files in memory";
}

}  // namespace
}  // namespace terrace::calibrate
