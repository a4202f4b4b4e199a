#include "calibrate/measuring/points_file.hpp"

#include <string>

#include <gtest/gtest.h>

#include "calibrate/fitting/points.hpp"
#include "sim/config/diagnostics.hpp"
#include "tests/app/program.hpp"

namespace terrace::calibrate {
namespace {

MeasuredRun small_run() {
  MeasuredRun run{"2026-11-22T10:00:00Z", {{"version", "1"}}, {{"cpu", "one"}}, {}, {}};
  run.sentinels.push_back({1.5, {{"copy_gbs", 12.25}}, 0.01});
  MeasuredPoint gemm{.id = "gemm/a",
                     .family = "gemm",
                     .x = {{"m", 16}, {"n", 512}, {"k", 256}, {"dtype", "bf16"}},
                     .cache = "cold",
                     .unit = "us",
                     .sample = {.median = 135.5,
                                .mad = 0.4,
                                .p10 = 134.9,
                                .p90 = 136.4,
                                .min = 134.6,
                                .n = 20,
                                .calls = 8,
                                .stable = false},
                     .at = 3.25,
                     .drifted = true,
                     .error = ""};
  MeasuredPoint failed = gemm;
  failed.id = "gemm/b";
  failed.x["m"] = 17;
  failed.sample = {};
  failed.drifted = false;
  failed.error = "no memory";
  run.points = {gemm, failed};
  return run;
}

TEST(PointsFile, ComesBackAsItWasWritten) {
  const testing::Workplace place;
  place.write("a.points.json", points_text(small_run()));
  const MeasuredRun read = read_measured_run(place.at("a.points.json"));
  EXPECT_EQ(points_text(read), points_text(small_run()));
  ASSERT_EQ(read.points.size(), 2U);
  EXPECT_EQ(read.points[0].sample.median, 135.5);
  EXPECT_EQ(read.points[0].sample.calls, 8);
  EXPECT_FALSE(read.points[0].sample.stable);
  EXPECT_TRUE(read.points[0].drifted);
  EXPECT_EQ(read.points[1].error, "no memory");
}

TEST(PointsFile, IsWhatFittingReads) {
  const testing::Workplace place;
  place.write("a.points.json", points_text(small_run()));
  const PointTable table = read_points(place.at("a.points.json").string(), "gemm");
  ASSERT_EQ(table.points.size(), 2U);
  EXPECT_TRUE(table.points[0].ok);
  EXPECT_FALSE(table.points[1].ok);
  EXPECT_DOUBLE_EQ(table.points[0].seconds, 135.5e-6);
  EXPECT_EQ(table.points[0].cells[table.column("m")].text, "16");
  EXPECT_EQ(table.points[0].cells[table.column("l2")].text, "cold");
}

TEST(PointsFile, AKernelIsAsWrongWhenItIsReadAsWhenItWasFound) {
  for (const double error : {0.01, 0.01000000004, 0.00999999996}) {
    const KernelFinding found{"gemm/bf16/bf16", {"gemm"}, error, 0.01, {}};
    const KernelFinding read = finding_of(nlohmann::ordered_json::parse(json_of(found).dump()));
    EXPECT_EQ(read.ok(), found.ok()) << error;
    EXPECT_EQ(read.error, found.error);
  }
}

TEST(PointsFile, SaysWhatIsNoCalibration) {
  const testing::Workplace place;
  const auto told = [&](const std::string& text) -> std::string {
    place.write("x.json", text);
    try {
      static_cast<void>(read_measured_run(place.at("x.json")));
    } catch (const config::ConfigError& e) {
      return e.what();
    }
    return "nothing";
  };
  const std::string whole = points_text(small_run());
  EXPECT_NE(told(whole.substr(0, whole.size() / 2)).find("not whole"), std::string::npos);
  EXPECT_NE(told("[1, 2]").find("a list instead of a mapping"), std::string::npos);
  EXPECT_NE(told("{\"schema\": \"other\"}").find("terrace-calib/1"), std::string::npos);
  EXPECT_NE(told("{\"schema\": \"terrace-calib/1\"}").find("lacks"), std::string::npos);
}

}  // namespace
}  // namespace terrace::calibrate
