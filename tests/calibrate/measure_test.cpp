// `terrace calibrate` as a user meets it.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "calibrate/measuring/machine_lock.hpp"
#include "calibrate/measuring/points_file.hpp"
#include "tests/app/program.hpp"

namespace terrace::calibrate {
namespace {

using testing::Outcome;
using testing::Workplace;

/// A workplace whose lock is its own, so that nobody's calibration is in the way.
class Desk : public Workplace {
 public:
  [[nodiscard]] pid_t begin(const std::string& line) const {
    std::vector<std::string> words = {"TERRACE_LOCK_DIR=" + at("").string(), TERRACE_PROGRAM,
                                      "calibrate"};
    std::istringstream in(line);
    for (std::string word; in >> word;) words.push_back(word);
    return start("/usr/bin/env", words);
  }
  [[nodiscard]] Outcome calibrate(const std::string& line) const { return finish(begin(line)); }

  /// Comes back when a journal has so many lines, or after a minute.
  void wait_for_lines(const std::string& name, std::size_t lines) const {
    for (int waits = 0; waits < 60'000; ++waits) {
      const std::string text = testing::read_file(at(name));
      if (static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) >= lines) return;
      poll(nullptr, 0, 1);
    }
  }
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

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

/// The processor's kernels are right; but a run that found one wrong does not forget it.
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
  const MeasuredRun run = read_measured_run(desk.at("x.points.json"));
  for (const MeasuredPoint& point : run.points) {
    EXPECT_EQ(point.error.empty(), point.family == "launch") << point.id;
  }
  EXPECT_EQ(desk.calibrate("report x").status, 0);
}

}  // namespace
}  // namespace terrace::calibrate
