// What the program prints and writes, and what becomes of it when the world gets in its way.

#include <csignal>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <unistd.h>

#include "tests/app/program.hpp"

namespace terrace {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kSmall;
using ::testing::Not;
using testing::Outcome;
using testing::read_file;
using ::testing::StartsWith;
using testing::Workplace;
namespace fs = testing::fs;

class RunVerb : public ::testing::Test {
 protected:
  RunVerb() { place.write("small.yaml", kSmall); }

  /// Starts a run of hours and comes back when it is well under way.
  [[nodiscard]] pid_t start_long_run() const {
    const pid_t child =
        place.start(TERRACE_PROGRAM, {"run", "small.yaml", "--set",
                                      "workload.max_requests=40000000", "--out", "long", "--json"});
    const fs::path rows = place.at("long") / "requests.csv";
    std::error_code missing;
    while (!fs::exists(rows, missing) || fs::file_size(rows, missing) < 100'000) {
      if (kill(child, 0) != 0) break;
      poll(nullptr, 0, 1);
    }
    return child;
  }

  /// The files of a directory and what is in them.
  [[nodiscard]] std::map<std::string, std::string> files(std::string_view name) const {
    std::map<std::string, std::string> all;
    for (const auto& file : fs::directory_iterator(place.at(name))) {
      all[file.path().filename().string()] = read_file(file.path());
    }
    return all;
  }

  Workplace place;
};

TEST_F(RunVerb, PrintsAResultBlockAndNothingElse) {
  const Outcome outcome = place.terrace("run small.yaml");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("TTFT"), HasSubstr("KV tier")));
  EXPECT_THAT(outcome.err, IsEmpty()) << "progress is for terminals";
}

TEST_F(RunVerb, QuietPrintsNothing) {
  const Outcome outcome = place.terrace("run small.yaml --quiet");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(outcome.err, IsEmpty());
}

TEST_F(RunVerb, JsonIsOneDocument) {
  const Outcome outcome = place.terrace("run small.yaml --json");
  EXPECT_EQ(outcome.status, 0);
  const json summary = json::parse(outcome.out);
  EXPECT_EQ(summary.at("completed"), 50);
  EXPECT_EQ(summary.at("complete"), true);
}

TEST_F(RunVerb, TheSameSeedGivesTheSameBytesWhereverTheyGo) {
  ASSERT_EQ(place.terrace("run small.yaml --seed 7 --out a --quiet").status, 0);
  ASSERT_EQ(place.terrace("run small.yaml --seed 7 --out=b --quiet").status, 0);
  ASSERT_EQ(place.terrace("run small.yaml --seed 8 --out c --quiet").status, 0);
  EXPECT_GE(files("a").size(), 7U);
  EXPECT_EQ(files("a"), files("b"));
  EXPECT_NE(files("a").at("requests.csv"), files("c").at("requests.csv"));
}

TEST_F(RunVerb, ThePrintedConfigurationRunsToTheSameSummary) {
  const std::string overrides = " --seed 3 --set serving.engine.block_size=32";
  const Outcome printed = place.terrace("run small.yaml --print-config" + overrides);
  ASSERT_EQ(printed.status, 0);
  place.write("resolved.yaml", printed.out);
  EXPECT_EQ(place.terrace("run resolved.yaml --json").out,
            place.terrace("run small.yaml --json" + overrides).out);
  EXPECT_EQ(place.terrace("run resolved.yaml --print-config").out, printed.out);
}

// Whichever of two words on the same key won, the other would have been said in vain.
TEST_F(RunVerb, NoWordOfTheCommandLineBeatsAnother) {
  using Words = std::vector<std::string>;
  const std::vector<std::pair<std::string, Words>> pairs = {
      {"run --seed 7", {"--set", "seed=8"}},
      {"run --misses --out d", {"--set", "output.misses=false"}},
      {"run --hw two-vcpus", {"--set", "hardware={gpu: l40s, host: dual-ddr5-5600-8ch}"}},
      {"run --trace t.jsonl", {"--set", "workload.trace.path=u.jsonl"}},
      {"run --trace t.jsonl", {"--set", "workload={trace: {path: u.jsonl}}"}},
      {"run", {"--set", "serving.replicas=2", "--set", "serving.replicas=3"}},
      {"run", {"--set", "tiers[0].capacity=1 GiB", "--set", "tiers=[]"}},
      {"capacity --requests 9", {"--set", "workload.max_requests=8"}},
      {"mrc --model llama-3.1-8b", {"--set", "model=llama-3.1-70b"}},
      {"mrc --block-size 32", {"--set", "serving.engine.block_size=16"}},
      {"sweep", {"--set", "serving.replicas=2", "--set", "serving.replicas=3"}}};
  place.write("sweep.yaml", "scenario: small.yaml\naxes: [{key: tiers, values: [[]]}]\n");
  for (const auto& [line, words] : pairs) {
    const std::string file = line == "sweep" ? " sweep.yaml" : " small.yaml";
    const Outcome outcome = place.terrace(line + file, words);
    EXPECT_EQ(outcome.status, 2) << line << '\n' << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("has no effect beside '--")) << line;
  }
  // Parts of what another one sets are no contradiction, in this order.
  const Outcome parts =
      place.terrace("run small.yaml --quiet",
                    {"--set", "serving={replicas: 2}", "--set", "serving.replicas_per_host=1"});
  EXPECT_EQ(parts.status, 0) << parts.err;
}

TEST_F(RunVerb, ATraceAloneIsReplayedOnAShippedMachine) {
  place.write("t.jsonl",
              R"({"timestamp": 0, "input_length": 600, "output_length": 2, "hash_ids": [1, 2]})"
              "\n"
              R"({"timestamp": 900, "input_length": 600, "output_length": 2, "hash_ids": [1, 3]})"
              "\n");
  const Outcome outcome = place.terrace("run --trace t.jsonl --json");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(json::parse(outcome.out).at("completed"), 2);
}

TEST_F(RunVerb, RequestsThatCanNeverFitAreRejectedAndCounted) {
  const Outcome outcome =
      place.terrace("run small.yaml --json --set serving.engine.num_gpu_blocks=10");
  EXPECT_EQ(outcome.status, 0) << "it is an answer, not a failure";
  const json summary = json::parse(outcome.out);
  EXPECT_EQ(summary.at("completed"), 0);
  EXPECT_EQ(summary.at("rejections").at("exceeds_kv_capacity"), 50);
}

TEST_F(RunVerb, ADirectoryThatCannotBeWrittenIsNamed) {
  place.write("file", "");
  const Outcome outcome = place.terrace("run small.yaml --out file/x");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("cannot"), HasSubstr("file/x")));
  EXPECT_THAT(outcome.out, IsEmpty());
}

TEST_F(RunVerb, AFileThatCannotGrowIsNamed) {
  const Outcome outcome = place.finish(place.start(
      "/bin/sh", {"-c", "trap '' XFSZ; ulimit -f 4; exec \"$0\" run small.yaml --quiet --out d",
                  TERRACE_PROGRAM}));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err,
              AllOf(StartsWith("terrace: error: cannot write d"), HasSubstr("File too large")));
  EXPECT_FALSE(fs::exists(place.at("d") / "manifest.json")) << "it would say that all is there";
}

TEST_F(RunVerb, AFullOutputIsAnError) {
  for (const char* verb : {"version", "help"}) {
    const Outcome outcome = place.finish(place.start(TERRACE_PROGRAM, {verb}, "/dev/full"));
    EXPECT_EQ(outcome.status, 1) << verb;
    EXPECT_THAT(outcome.err, HasSubstr("cannot write the results: No space left on device"));
  }
}

TEST_F(RunVerb, AClosedOutputIsAnErrorAndNoFileTakesItsPlace) {
  const Outcome outcome = place.finish(
      place.start("/bin/sh", {"-c", "exec \"$0\" run small.yaml --out d >&-", TERRACE_PROGRAM}));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("cannot write the results"));
  for (const auto& [name, text] : files("d")) EXPECT_THAT(text, Not(HasSubstr("KV tier"))) << name;
}

TEST_F(RunVerb, AClosedPipeEndsItQuietly) {
  const Outcome outcome = place.finish(
      place.start("/bin/bash",
                  {"-c", "\"$0\" schema scenario | true; exit ${PIPESTATUS[0]}", TERRACE_PROGRAM}));
  EXPECT_THAT(outcome.status, ::testing::AnyOf(0, 128 + SIGPIPE));
  EXPECT_THAT(outcome.err, IsEmpty());
}

TEST_F(RunVerb, AnInterruptLeavesValidPartialResults) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const pid_t child = start_long_run();
    ASSERT_EQ(kill(child, signal), 0);
    const Outcome outcome = place.finish(child);
    EXPECT_EQ(outcome.status, 130);
    EXPECT_THAT(outcome.err, HasSubstr("PARTIAL"));
    EXPECT_EQ(json::parse(outcome.out).at("complete"), false);
    EXPECT_EQ(json::parse(files("long").at("manifest.json")).at("complete"), false);
    const std::string rows = files("long").at("requests.csv");
    EXPECT_EQ(rows.back(), '\n') << "the last row is whole";
    fs::remove_all(place.at("long"));
  }
}

TEST_F(RunVerb, ASignalThatComesTwiceAtOnceCountsOnce) {
  const pid_t child = start_long_run();
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(kill(child, SIGINT), 0);
    usleep(500);
  }
  const Outcome outcome = place.finish(child);
  EXPECT_EQ(outcome.status, 130);
  EXPECT_THAT(outcome.err, HasSubstr("PARTIAL"));
  EXPECT_EQ(json::parse(outcome.out).at("complete"), false);
}

TEST_F(RunVerb, NoTierIsCalledHbm) {
  const Outcome outcome = place.terrace(
      "run small.yaml --quiet", {"--set", "tiers=[{name: hbm, medium: dram, capacity: 1 GiB}]"});
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("the name 'hbm' is reserved"),
                                 Not(HasSubstr("is not the only one"))));
}

TEST_F(RunVerb, AnEmptyPathIsAMistake) {
  for (const char* option : {"--out", "--trace"}) {
    const Outcome outcome = place.terrace("run small.yaml --quiet", {option, ""});
    EXPECT_EQ(outcome.status, 2);
    EXPECT_EQ(outcome.err.find("terrace: error: " + std::string(option) + ": an empty path"), 0U)
        << outcome.err;
  }
}

}  // namespace
}  // namespace terrace
