// `terrace calibrate` as a user meets it who measures, stops and goes on.

#include <csignal>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "calibrate/measuring/points_file.hpp"
#include "tests/calibrate/desk.hpp"

namespace terrace::calibrate {
namespace {

using testing::Desk;
using testing::has;
using testing::Outcome;

TEST(MeasureCliSlow, SaysWhichLineOfAJournalItDoesNotBelieve) {
  const Desk desk;
  const std::string line = "--only gemm --quick --threads 1 --out x";
  const pid_t child = desk.begin(line);
  desk.wait_for_lines("x.points.journal", 3);
  kill(child, SIGINT);
  ASSERT_EQ(desk.finish(child).status, 130);
  const std::string whole = testing::read_file(desk.at("x.points.journal"));
  ASSERT_NE(whole.find("\"median\":"), std::string::npos) << whole;
  const auto told = [&](const std::string& text, std::string_view part) {
    desk.write("x.points.journal", text);
    const Outcome outcome = desk.calibrate(line);
    EXPECT_EQ(outcome.status, 3) << outcome.err;
    EXPECT_TRUE(has(outcome.err, part) && has(outcome.err, "--fresh")) << outcome.err;
    EXPECT_EQ(testing::read_file(desk.at("x.points.journal")), text) << "it is left as it is";
  };
  const auto with = [&](std::string from, std::string_view to) {
    std::string text = whole;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  told("an hour of points", "x.points.journal:1: error: this is no journal");
  told("an hour of points\n", "x.points.journal:1: error: this is no journal");
  told(whole + "nonsense\n", ": error: this line is not one of a journal's");
  told(with("\"median\":", "\"median\":-"), "x.points.journal:4: error: gemm/");
  told(with("\"id\":\"gemm/", "\"id\":\"germ/"), "this run has no such point");
  told(with("\"unit\":\"us\"", "\"unit\":\"ms\""), "this run measures it otherwise");
  told(with("\"memory_bytes\":", "\"memory_bytes\":-"), "no machine has this 'extent'");
}

TEST(MeasureCliSlow, SaysWhatIsKeptWhereThereIsNoRoom) {
  const Desk desk;
  // 4 blocks of 512 or 1024 bytes, as the shell has it: room for a header and a few lines.
  const Outcome outcome = desk.finish(desk.start(
      "/bin/sh", {"-c",
                  "ulimit -f 4; exec env \"TERRACE_LOCK_DIR=$1\" \"$0\" calibrate --only "
                  "memory --quick --out x",
                  TERRACE_PROGRAM, desk.at("").string()}));
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  EXPECT_TRUE(has(outcome.err, "cannot write x.points.journal: File too large")) << outcome.err;
  EXPECT_TRUE(has(outcome.err, "are measured and kept")) << outcome.err;
  EXPECT_FALSE(std::filesystem::exists(desk.at("x.points.journal.part")));
  EXPECT_FALSE(std::filesystem::exists(desk.at("x.points.json")));
  const Outcome whole = desk.calibrate("--only memory --quick --out x");
  EXPECT_EQ(whole.status, 0) << whole.err;
  EXPECT_TRUE(has(whole.err, "are known from before")) << whole.err;
}

TEST(MeasureCliSlow, MeasuresAndKeepsPoints) {
  const Desk desk;
  const Outcome outcome = desk.calibrate("--only launch --out x");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(has(outcome.out, "3 points")) << outcome.out;
  const MeasuredRun run = read_measured_run(desk.at("x.points.json"));
  EXPECT_EQ(run.points.size(), 3U);
  EXPECT_GE(run.sentinels.size(), 2U);
  EXPECT_TRUE(run.host.contains("cores"));
  EXPECT_FALSE(std::filesystem::exists(desk.at("x.points.journal")));
}

TEST(MeasureCliSlow, GoesOnAfterAnInterruption) {
  const Desk desk;
  const std::string line = "--only gemm --quick --threads 1 --out x";
  const pid_t child = desk.begin(line);
  desk.wait_for_lines("x.points.journal", 6);  // a header, a sentinel, points
  kill(child, SIGINT);
  const Outcome stopped = desk.finish(child);
  ASSERT_EQ(stopped.status, 130) << stopped.out << stopped.err;
  EXPECT_TRUE(has(stopped.err, "the same command goes on")) << stopped.err;
  EXPECT_FALSE(std::filesystem::exists(desk.at("x.points.json")));

  const Outcome other = desk.calibrate("--only gemm --threads 1 --out x");
  EXPECT_EQ(other.status, 1);
  EXPECT_TRUE(has(other.err, "differs in") && has(other.err, "quick")) << other.err;

  const Outcome whole = desk.calibrate(line);
  ASSERT_EQ(whole.status, 0) << whole.err;
  EXPECT_TRUE(has(whole.err, "points are known from before")) << whole.err;
  const MeasuredRun run = read_measured_run(desk.at("x.points.json"));
  std::set<std::string> ids;
  for (const MeasuredPoint& point : run.points) EXPECT_TRUE(ids.insert(point.id).second);
  EXPECT_GE(ids.size(), 10U);
  EXPECT_GE(run.sentinels.size(), 3U);  // of both parts
}

TEST(MeasureCliSlow, LeavesOutWhatTimesAWrongKernelAndExitsWithOne) {
  const Desk desk;
  const std::string line = "--only memory,launch --quick --threads 1 --out x";
  const pid_t child = desk.begin(line);
  desk.wait_for_lines("x.points.journal", 6);  // a header, three kernels, a sentinel, a point
  kill(child, SIGINT);
  ASSERT_EQ(desk.finish(child).status, 130);
  std::string journal = testing::read_file(desk.at("x.points.journal"));
  const std::string right = R"("error":0.0)";
  const std::size_t copy = journal.find(right, journal.find(R"("kernel":"memory/copy")"));
  ASSERT_NE(copy, std::string::npos) << journal;
  desk.write("x.points.journal", journal.replace(copy, right.size(), R"("error":0.5)"));

  const Outcome outcome = desk.calibrate(line);
  EXPECT_EQ(outcome.status, 1) << outcome.out << outcome.err;
  EXPECT_TRUE(has(outcome.err,
                  "memory was not timed: memory/copy is wrong on this device: "
                  "relative error 0.5, at most 0"))
      << outcome.err;
  EXPECT_TRUE(has(outcome.err, "1 of 2 families are missing")) << outcome.err;
  EXPECT_TRUE(has(outcome.err, "no profile without what was found wrong")) << outcome.err;
  const MeasuredRun run = read_measured_run(desk.at("x.points.json"));
  std::size_t measured = 0;
  for (const MeasuredPoint& point : run.points) {
    EXPECT_EQ(point.error.empty(), point.family == "launch") << point.id;
    if (point.error.empty()) ++measured;
  }
  const std::string counts =
      std::to_string(measured) + " of " + std::to_string(run.points.size()) + " points";
  EXPECT_TRUE(has(outcome.out, counts)) << outcome.out;
  EXPECT_EQ(desk.calibrate("report x").status, 0);
}

TEST(MeasureCliSlow, KeepsTheEarlierPointsWhereAFreshRunComesToNone) {
  const Desk desk;
  desk.write("x.points.journal", "an hour of points");
  // A block of 512 or 1024 bytes: no room for a point behind the header and two kernels.
  const Outcome outcome = desk.finish(desk.start(
      "/bin/sh", {"-c",
                  "ulimit -f 1; exec env \"TERRACE_LOCK_DIR=$1\" \"$0\" calibrate --only "
                  "launch --quick --fresh --out x",
                  TERRACE_PROGRAM, desk.at("").string()}));
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  EXPECT_TRUE(has(outcome.err, "no point was measured yet; x.points.journal stays as it was"))
      << outcome.err;
  EXPECT_EQ(testing::read_file(desk.at("x.points.journal")), "an hour of points");
  EXPECT_FALSE(std::filesystem::exists(desk.at("x.points.journal.part")));
}

}  // namespace
}  // namespace terrace::calibrate
