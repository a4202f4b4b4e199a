// What `terrace explain` says of a finished run, and of what is none.

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
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

class Explain : public ::testing::Test {
 protected:
  Explain() { place.write("small.yaml", kSmall); }

  void run(const std::string& options) const {
    ASSERT_EQ(place.terrace("run small.yaml --quiet " + options).status, 0) << options;
  }

  /// The command fails with `status`, prints no result, and says `message` in full sentences.
  void fails(int status, const std::string& message, const std::string& line) const {
    const Outcome outcome = place.terrace(line);
    EXPECT_EQ(outcome.status, status) << line;
    EXPECT_THAT(outcome.out, IsEmpty()) << line;
    EXPECT_THAT(outcome.err, HasSubstr(message)) << line;
  }

  /// Changes one file of a run.
  void edit(const std::string& file, const std::string& from, const std::string& to) const {
    std::string text = read_file(place.at(file));
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    place.write(file, text.replace(at, from.size(), to));
  }

  Workplace place;
};

TEST_F(Explain, SaysWhyTokensWereMissed) {
  run("--misses --out out");
  const Outcome outcome = place.terrace("explain --misses out");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, IsEmpty());
  // Fifty prompts of 200 tokens: twelve blocks of 16, and 8 tokens.
  EXPECT_THAT(outcome.out, AllOf(StartsWith("small: 10,000 of 10,000 prompt tokens were missed"),
                                 HasSubstr("never_seen"), HasSubstr("9,600"), HasSubstr("96.0"),
                                 HasSubstr("What could help\n  never_seen: new text")));
  EXPECT_EQ(read_file(place.at("out") / "misses.csv"),
            "cause,where,requests,tokens,share,idle_mean_s,idle_p50_s,idle_p90_s,away_mean_s,"
            "away_p50_s,away_p90_s\n"
            "never_seen,,50,9600,0.96,,,,,,\n"
            "partial_block,hbm,50,400,0.04,,,,,,\n");
}

TEST_F(Explain, ToldOfEvictedBlocksWhenTheyWereLastUsed) {
  // Four documents share HBM for three of them.
  place.write("rag.yaml", R"(model: llama-3.1-8b
hardware: {gpu: h100-sxm, host: dual-xeon-ddr5-2tib}
serving: {engine: {num_gpu_blocks: 40}}
workload:
  max_requests: 40
  clients:
    - name: chat
      arrivals: {process: deterministic, rate: 1 /s}
      prompt: {distribution: constant, value: 200}
      output: {distribution: constant, value: 4}
      content: {kind: shared_prefix, prompts: 4, length: {distribution: constant, value: 160}}
)");
  ASSERT_EQ(place.terrace("run rag.yaml --quiet --misses --out out").status, 0);
  const Outcome table = place.terrace("explain --misses out --csv again.csv");
  EXPECT_EQ(table.status, 0) << table.err;
  EXPECT_THAT(table.out, AllOf(HasSubstr("evicted"), HasSubstr(" s  "),
                               HasSubstr("after its last use, wanted again after"),
                               HasSubstr("idle: from its last use there until")));
  const Outcome machine = place.terrace("explain --misses out --json");
  const json causes = json::parse(machine.out).at("causes");
  bool found = false;
  std::int64_t sum = 0;
  for (const json& row : causes) {
    sum += row.at("tokens").get<std::int64_t>();
    if (row.at("cause") != "evicted") continue;
    found = true;
    EXPECT_EQ(row.at("where"), "hbm");
    EXPECT_GT(row.at("away_s").at("p50"), row.at("idle_s").at("p50"));
  }
  EXPECT_TRUE(found);
  const json summary = json::parse(read_file(place.at("out") / "summary.json"));
  const json& hbm = summary.at("tiers").at(0);
  EXPECT_EQ(sum,
            hbm.at("lookup_tokens").get<std::int64_t>() - hbm.at("hit_tokens").get<std::int64_t>());
  EXPECT_EQ(sum, summary.at("misses").at("missed_tokens"));
  EXPECT_THAT(read_file(place.at("again.csv")), StartsWith("cause,where,requests,tokens,share,"));
}

TEST_F(Explain, AloneItSaysWhereTheTimeWent) {
  run("--out out");
  const Outcome outcome = place.terrace("explain out");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("Mean TTFT"), HasSubstr("prefill"), HasSubstr("100.0")));
}

TEST_F(Explain, ARunWithoutTheRecordSaysHowToGetOne) {
  run("--seed 7 --out out");
  fails(3, "  terrace run small.yaml --quiet --seed 7 --misses --out out\n",
        "explain --misses out");
  run("--seed 7 --misses --out out");
  EXPECT_EQ(place.terrace("explain --misses out").status, 0);
  EXPECT_TRUE(fs::exists(place.at("out") / "misses.csv"));
  run("--seed 7 --out out");
  EXPECT_FALSE(fs::exists(place.at("out") / "misses.csv")) << "of an earlier run";
}

TEST_F(Explain, RecordingLeavesAllOtherResultsAlone) {
  run("--out plain");
  run("--misses --out recorded");
  for (const char* file : {"requests.csv", "timeseries.csv", "tiers.csv", "links.csv"}) {
    EXPECT_EQ(read_file(place.at("plain") / file), read_file(place.at("recorded") / file)) << file;
  }
  json summary = json::parse(read_file(place.at("recorded") / "summary.json"));
  summary.erase("misses");
  EXPECT_EQ(summary, json::parse(read_file(place.at("plain") / "summary.json")));
}

TEST_F(Explain, SaysThatARunWasStopped) {
  run("--misses --out out");
  edit("out/summary.json", "\"complete\": true", "\"complete\": false");
  EXPECT_THAT(place.terrace("explain --misses out").out, HasSubstr("PARTIAL: the run was stopped"));
  EXPECT_THAT(place.terrace("explain out").out, HasSubstr("PARTIAL: the run was stopped"));
}

TEST_F(Explain, RefusesWhatIsNoRunDirectory) {
  run("--misses --out out");
  fails(2, "'terrace explain' needs OUT_DIR", "explain --misses");
  fails(3, "oot: error: there is no such directory; did you mean 'out'?", "explain --misses oot");
  fails(3, "small.yaml: error: this is a file; give the directory", "explain --misses small.yaml");
  fs::create_directory(place.at("empty"));
  fails(3, "it has no manifest.json; 'terrace run SCENARIO --out DIR' writes one",
        "explain --misses empty");
  fs::remove(place.at("out") / "manifest.json");  // as when the run was killed
  fails(3, "this is not the directory of a finished run", "explain --misses out");
}

TEST_F(Explain, TextOfFilesDoesNotReachTheTerminalAsItIs) {
  run("--misses --out out");
  edit("out/summary.json", "\"where\": \"hbm\"", "\"where\": \"\\u001b[2J\\u009b\"");
  edit("out/summary.json", "\"scenario\": \"small\"", "\"scenario\": \"a\\nb\"");
  const Outcome misses = place.terrace("explain --misses out");
  EXPECT_EQ(misses.status, 0) << misses.err;
  EXPECT_THAT(misses.out,
              AllOf(StartsWith("a\\x0ab: "), HasSubstr("\\x1b[2J\\x9b"), Not(HasSubstr("\x1b"))));
  EXPECT_THAT(place.terrace("explain out").out, StartsWith("a\\x0ab\n"));
}

TEST_F(Explain, SaysThatADirectoryMayNotBeEntered) {
  if (geteuid() == 0) GTEST_SKIP() << "root may enter any directory";
  fs::create_directories(place.at("closed/out"));
  fs::permissions(place.at("closed"), fs::perms::none);
  fails(3, "closed/out: error: cannot be looked at: Permission denied", "explain closed/out");
  fs::permissions(place.at("closed"), fs::perms::owner_all);
}

TEST_F(Explain, RefusesOptionsWithoutEffect) {
  run("--out out");
  fails(2, "--json has no effect without --misses", "explain out --json");
  fails(2, "--csv has no effect without --misses", "explain out --csv file.csv");
  fails(2, "--misses has no effect without --out DIR or --json", "run small.yaml --misses");
  fails(2, "unknown option '--mises'; did you mean '--misses'?", "explain --mises out");
}

TEST_F(Explain, SaysWhenTheFileCannotBeWritten) {
  run("--misses --out out");
  fails(1, "cannot write nowhere/misses.csv: No such file or directory",
        "explain --misses out --csv nowhere/misses.csv");
}

TEST_F(Explain, RefusesWhatAnotherVersionWrote) {
  run("--misses --out out");
  const std::string summary = read_file(place.at("out") / "summary.json");
  const std::string manifest = read_file(place.at("out") / "manifest.json");
  const auto restore = [&] {
    place.write("out/summary.json", summary);
    place.write("out/manifest.json", manifest);
  };
  edit("out/summary.json", "\"requests\": 50,\n        \"tokens\"",
       "\"asks\": 50,\n        \"tokens\"");
  fails(3, "no proper 'summary.json: misses.causes[0].requests'; run the scenario again",
        "explain --misses out");
  restore();
  edit("out/summary.json", "\"never_seen\"", "\"cosmic_rays\"");
  fails(3, "cause is 'cosmic_rays', which is unknown here", "explain --misses out");
  restore();
  edit("out/manifest.json", "\"schema_version\": 1", "\"schema_version\": 2");
  fails(3, "it was written by another terrace", "explain --misses out");
  restore();
  edit("out/summary.json", "\"tokens\": 9600", "\"tokens\": 9601");
  fails(3, "is damaged: its causes are of 10001 tokens, not of the 10000", "explain --misses out");
  restore();
  edit("out/summary.json", "\"missed_tokens\": 10000", "\"missed_tokens\": 10001");
  fails(3, "is damaged: 10001 tokens were missed of 10000", "explain --misses out");
  restore();
  edit("out/summary.json", "\"looked_up_tokens\": 10000", "\"looked_up_tokens\": 0");
  fails(3, "is damaged: 10000 tokens were missed of 0", "explain --misses out");
  restore();
  edit("out/summary.json", "\"tokens\": 9600", "\"tokens\": 18446744073709551615");
  fails(3, "tokens' is 18446744073709551615, which is no count", "explain --misses out");
  restore();
  edit("out/summary.json", "\"tokens\": 9600", "\"tokens\": 9223372036854775807");
  fails(3, "is damaged: its causes are of more tokens than can be counted", "explain --misses out");
  restore();
  json broken = json::parse(summary);
  broken["ttft_breakdown_ms"]["queue"] = nullptr;
  place.write("out/summary.json", broken.dump());
  fails(3, "is damaged: only some parts of ttft_breakdown_ms are null", "explain out");
  restore();
  place.write("out/summary.json", summary.substr(0, summary.size() / 2));
  fails(3, "is damaged: it is no JSON object", "explain --misses out");
}

}  // namespace
}  // namespace terrace
