// `terrace calibrate` as a user meets it who has not measured yet.

#include <csignal>
#include <filesystem>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "calibrate/measuring/machine_lock.hpp"
#include "tests/calibrate/desk.hpp"

namespace terrace::calibrate {
namespace {

using testing::Desk;
using testing::has;
using testing::Outcome;

TEST(MeasureCli, TellsWhatItWouldDo) {
  const Desk desk;
  const Outcome plan = desk.calibrate("--dry-run --quick --disk .");
  EXPECT_EQ(plan.status, 0) << plan.err;
  for (const char* word : {"gemm", "decode_attention", "ssd", "test file", "total", "GiB"}) {
    EXPECT_TRUE(has(plan.out, word)) << word << plan.out;
  }
  const Outcome without = desk.calibrate("--dry-run --quick");
  EXPECT_FALSE(has(without.out, "GiB")) << without.out;
  const Outcome one = desk.calibrate("--dry-run --only gemm");
  EXPECT_FALSE(has(one.out, "decode_attention")) << one.out;
}

TEST(MeasureCli, SaysWhatIsWrongWithACommand) {
  const Desk desk;
  const auto told = [&](const std::string& line, int status, std::string_view part) {
    const Outcome outcome = desk.calibrate(line);
    EXPECT_EQ(outcome.status, status) << line << outcome.err;
    EXPECT_TRUE(has(outcome.err, part)) << line << outcome.err;
    EXPECT_EQ(outcome.out, "") << line;
  };
  told("--quick", 2, "--out NAME");
  told("--out x --only launch --catalog nowhere", 2, "nowhere");
  told("--out x --only gemn", 2, "did you mean 'gemm'?");
  told("--out x --only ssd", 2, "ssd needs --disk DIR");
  told("--out x --device tpu", 2, "cpu or cuda:0");
  told("--out x --disk nowhere", 1, "no directory 'nowhere'");
  told("--out x --threads 0", 2, "--threads");
  told("--out x --threads 100000", 2, "the cores that may be used here");
  told("--out x --only ,", 2, "gemm");
  told("--out x --only gemm,gemm", 2, "is there twice");
  std::filesystem::create_directory(desk.at("d"));
  for (const char* name : {"d", "d/", ".", "..", "d/.."}) {
    told("--only launch --out " + std::string(name), 2, "is a directory");
  }
  told("--only launch --out no/such/x", 2, "there is no directory 'no/such'");
  told("--only launch --out d/.yaml", 2, "is a directory");
  std::filesystem::create_directory(desk.at("y.points.json"));
  told("--only launch --fresh --out y", 1, "y.points.json");
  told("--qick --out x", 2, "--quick");
  desk.write("x.points.json", "{}");
  told("--out x", 2, "--fresh");
  told("--out x.points.json", 2, "--fresh");
  told("--out x --device tpu", 2, "cpu or cuda:0");
  told("--out x --only ssd", 2, "ssd needs --disk DIR");
  desk.write("mine.yaml", "name: written by hand");
  told("--only launch --out mine.yaml", 2, "mine.yaml is there already");
}

TEST(MeasureCli, EndsCleanlyBeforeItMeasures) {
  const Desk desk;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const pid_t child = desk.begin("--only launch --out x");
    kill(child, signal);  // while it is loaded, or looks around
    const Outcome outcome = desk.finish(child);
    // What comes before the program itself does is the shell's to tell.
    EXPECT_TRUE(outcome.status == 130 || outcome.status == 128 + signal) << outcome.status;
    EXPECT_FALSE(std::filesystem::exists(desk.at("x.points.journal")));
  }
}

TEST(MeasureCli, HelpsWithAllOfIt) {
  const Desk desk;
  const Outcome help = desk.calibrate("--help");
  EXPECT_EQ(help.status, 0);
  for (const char* word : {"--disk DIR", "--dry-run", "calibrate fit", "exit status"}) {
    EXPECT_TRUE(has(help.out, word)) << word << help.out;
  }
}

TEST(MeasureCli, LeavesTheMachineToAnotherCalibration) {
  const Desk desk;
  const MachineLock other(desk.at(""));
  const Outcome refused = desk.calibrate("--only launch --out x");
  EXPECT_EQ(refused.status, 1);
  EXPECT_TRUE(has(refused.err, "another calibration is under way")) << refused.err;
  const Outcome plan = desk.calibrate("--only gemm --dry-run");
  EXPECT_EQ(plan.status, 0) << plan.err;
  EXPECT_TRUE(has(plan.out, "times are those of a usual processor")) << plan.out;
}

TEST(MeasureCli, RemovesNothingUntilItMeasures) {
  const Desk desk;
  desk.write("x.points.journal", "an hour of points");
  EXPECT_EQ(desk.calibrate("--fresh --disk nowhere --out x").status, 1);
  EXPECT_EQ(desk.calibrate("--fresh --only gemm --dry-run --out x").status, 0);
  {
    const MachineLock other(desk.at(""));
    EXPECT_EQ(desk.calibrate("--fresh --only launch --out x").status, 1);
  }
  EXPECT_EQ(testing::read_file(desk.at("x.points.journal")), "an hour of points");
}

}  // namespace
}  // namespace terrace::calibrate
