// `terrace sweep` as its users meet it: files, tables, mistakes, and the plug pulled.

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sim/study/run_store.hpp"
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

constexpr const char* kSweep = R"(scenario: small.yaml
axes:
  - {key: serving.engine.max_num_seqs, values: [1, 4, 16]}
  - {key: "workload.clients[0].arrivals.rate", values: [5 /s, 10 /s]}
repeat: {seeds: 3}
pareto: [ttft_p99, request_throughput]
)";

class SweepVerb : public ::testing::Test {
 protected:
  SweepVerb() {
    place.write("small.yaml", kSmall);
    place.write("s.yaml", kSweep);
  }

  [[nodiscard]] std::string result(const std::string& name) const {
    return read_file(place.at("results/s") / name);
  }

  /// Every mistake of the file stands in the messages, at its line and column.
  void refuses(const std::string& text, const std::vector<std::string>& messages,
               const std::string& options = {}) const {
    SCOPED_TRACE(text);
    place.write("bad.yaml", text);
    const Outcome outcome = place.terrace("sweep bad.yaml " + options);
    EXPECT_EQ(outcome.status, 3);
    EXPECT_THAT(outcome.out, IsEmpty());
    for (const std::string& message : messages) {
      EXPECT_THAT(outcome.err, HasSubstr("bad.yaml:" + message));
    }
    EXPECT_FALSE(fs::exists(place.at("results")));
  }

  /// A sweep whose file has this line among its axes, or elsewhere.
  static std::string with_axis(const std::string& axis) {
    return "scenario: small.yaml\naxes:\n  - " + axis + "\n";
  }
  static std::string with(const std::string& line) {
    return "scenario: small.yaml\naxes: [{key: serving.replicas, values: [1, 2]}]\n" + line + "\n";
  }

  Workplace place;
};

TEST_F(SweepVerb, FilesBehindLinksInItsDirectoryStayAsTheyAre) {
  place.write("mine", "mine");
  fs::create_directory(place.at("d"));
  for (const char* link : {"sweep.yaml", "sweep.yaml.part"}) {
    fs::create_symlink(place.at("mine"), place.at("d") / link);
  }
  EXPECT_EQ(place.terrace("sweep s.yaml --quiet --out d").status, 0);
  EXPECT_EQ(read_file(place.at("mine")), "mine");
  EXPECT_FALSE(fs::is_symlink(place.at("d") / "sweep.yaml"));
  EXPECT_THAT(read_file(place.at("d") / "sweep.yaml"), HasSubstr("max_num_seqs"));
}

TEST_F(SweepVerb, RanksTheArmsAndKeepsEveryRun) {
  const Outcome outcome = place.terrace("sweep s.yaml");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, IsEmpty());
  EXPECT_THAT(outcome.out,
              AllOf(StartsWith("Sweep s: 6 arms with 3 seeds: 18 runs\n"),
                    HasSubstr("Ranking by ttft_mean (lower is better)"),
                    HasSubstr("#3 max_num_seqs=4, rate=5 /s"), HasSubstr("best"),
                    HasSubstr("Pareto front"), HasSubstr("request_throughput (higher)")));
  EXPECT_THAT(result("runs.csv"),
              StartsWith("arm,serving.engine.max_num_seqs,workload.clients[0].arrivals.rate_per_s,"
                         "seed,status,error,ttft_mean_ms,"));
  EXPECT_THAT(result("runs.csv"), HasSubstr("\n2,1,10,2,ok,,"));
  const std::string runs = result("runs.csv");
  const std::string arms = result("arms.csv");
  EXPECT_EQ(std::count(runs.begin(), runs.end(), '\n'), 1 + 18);
  EXPECT_EQ(std::count(arms.begin(), arms.end(), '\n'), 1 + 6 * 8);
  EXPECT_THAT(arms, HasSubstr(",metric,unit,n,mean,ci95_half_width\n1,1,5,ttft_mean,ms,3,"));
  EXPECT_EQ(result("sweep.yaml"), kSweep);
}

TEST_F(SweepVerb, ARunOfASweepIsTheRunOfItsScenario) {
  ASSERT_EQ(place.terrace("sweep s.yaml --quiet").status, 0);
  const json summary =
      json::parse(place
                      .terrace("run small.yaml --json --seed 2 --set serving.engine.max_num_seqs=4",
                               {"--set", "workload.clients[0].arrivals.rate=10 /s"})
                      .out);
  EXPECT_THAT(result("runs.csv"),
              HasSubstr("\n4,4,10,2,ok,," + summary.at("mean_ttft_ms").dump() + ","));
}

TEST_F(SweepVerb, TheNumberOfJobsChangesNoByte) {
  const Outcome one = place.terrace("sweep s.yaml --jobs 1 --out one");
  const Outcome four = place.terrace("sweep s.yaml --jobs 4 --out four");
  EXPECT_EQ(one.out, four.out);
  for (const char* file : {"runs.csv", "arms.csv"}) {
    EXPECT_EQ(read_file(place.at("one") / file), read_file(place.at("four") / file));
  }
}

TEST_F(SweepVerb, KnownRunsAreNotRunAgainUnlessTheyAreToBe) {
  const Outcome first = place.terrace("sweep s.yaml");
  const Outcome second = place.terrace("sweep s.yaml --resume");
  EXPECT_EQ(second.out, first.out);
  EXPECT_THAT(second.err, HasSubstr("18 of 18 runs are known from before"));
  const Outcome fresh = place.terrace("sweep s.yaml --fresh");
  EXPECT_EQ(fresh.out, first.out);
  EXPECT_THAT(fresh.err, AllOf(HasSubstr("are discarded"), Not(HasSubstr("known"))));
  EXPECT_EQ(place.terrace("sweep s.yaml --resume --out other").status, 2);
}

TEST_F(SweepVerb, AWiderSweepReusesWhatTheNarrowerOneDid) {
  ASSERT_EQ(place.terrace("sweep s.yaml --quiet --filter max_num_seqs=4").status, 0);
  EXPECT_THAT(result("runs.csv"), Not(HasSubstr(",16,")));
  const Outcome all = place.terrace("sweep s.yaml");
  EXPECT_THAT(all.err, HasSubstr("6 of 18 runs are known"));
}

TEST_F(SweepVerb, AChangedScenarioOrTraceIsRunAgain) {
  const std::string line = R"(, "input_length": 600, "output_length": 2, "hash_ids": [1, 2]})";
  const auto write_trace = [&](const char* time) {
    place.write("t.jsonl", "{\"timestamp\": 0" + line + "\n{\"timestamp\": " + time + line + "\n");
  };
  write_trace("900");
  place.write("t.yaml", R"(model: llama-3.1-8b
hardware: {gpu: h100-sxm, host: dual-xeon-ddr5-2tib}
workload: {trace: {path: t.jsonl}}
)");
  place.write("s.yaml",
              "scenario: t.yaml\naxes: [{key: workload.trace.speedup, values: [1, 2]}]\n"
              "metrics: [e2e_mean, duration]\n");
  ASSERT_EQ(place.terrace("sweep s.yaml --quiet").status, 0);
  const std::string before = result("runs.csv");
  EXPECT_THAT(place.terrace("sweep s.yaml").err, HasSubstr("2 of 2 runs are known"));
  write_trace("700");
  EXPECT_THAT(place.terrace("sweep s.yaml").err, IsEmpty()) << "same size, other content";
  EXPECT_NE(result("runs.csv"), before);
}

TEST_F(SweepVerb, ComparesSeedBySeed) {
  const Outcome text = place.terrace("sweep s.yaml", {"--compare", "max_num_seqs=1,rate=5 /s"});
  EXPECT_THAT(text.out, HasSubstr("Against #1 max_num_seqs=1, rate=5 /s"));
  const Outcome outcome =
      place.terrace("sweep s.yaml --json", {"--compare", "max_num_seqs=1,rate=5 /s"});
  const json all = json::parse(outcome.out);
  EXPECT_EQ(all.at("comparison").at("base"), 1);
  const json& first = all.at("comparison").at("differences").at(0);
  EXPECT_EQ(first.at("metric"), "ttft_mean");
  EXPECT_EQ(first.at("n"), 3);
  const double base = all.at("arms")[0].at("metrics").at("ttft_mean").at("mean");
  const double other = all.at("arms")[1].at("metrics").at("ttft_mean").at("mean");
  EXPECT_NEAR(first.at("mean"), other - base, 1e-9 * other);
  EXPECT_EQ(place.terrace("sweep s.yaml --compare max_num_seqs=2").status, 2);
}

TEST_F(SweepVerb, OneSeedInventsNoInterval) {
  place.write("s.yaml", with("metrics: [ttft_mean]"));
  const Outcome outcome = place.terrace("sweep s.yaml");
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("One seed: no interval"), Not(HasSubstr("±"))));
}

TEST_F(SweepVerb, ARunThatFailsIsAResult) {
  place.write("s.yaml", R"(scenario: small.yaml
axes: [{key: model, values: [llama-3.1-8b, llama-3.1-70b]}]
repeat: {seeds: 2}
metrics: [ttft_mean]
)");
  const Outcome outcome = place.terrace("sweep s.yaml");
  EXPECT_EQ(outcome.status, 4);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("2 of 4 runs failed:\n     2 x the model does not fit"),
                                 HasSubstr("1 model=llama-3.1-8b")));
  EXPECT_THAT(outcome.err, HasSubstr("2 of 4 runs failed"));
  EXPECT_THAT(result("runs.csv"), HasSubstr("\n2,llama-3.1-70b,1,infeasible,\"the model does not"));
  EXPECT_EQ(place.terrace("sweep s.yaml").out, outcome.out) << "failures are remembered, too";
}

TEST_F(SweepVerb, ADryRunTellsAllAndDoesNothing) {
  const Outcome outcome = place.terrace("sweep s.yaml --dry-run");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("6 arms with 3 seeds: 18 runs"), HasSubstr("results/s"),
                                 HasSubstr("     1  #1 max_num_seqs=1, rate=5 /s, seed=0"),
                                 HasSubstr("    18  #6 max_num_seqs=16, rate=10 /s, seed=2")));
  EXPECT_FALSE(fs::exists(place.at("results")));
}

TEST_F(SweepVerb, MistakesOfTheFileAreFoundWhereTheyStand) {
  refuses("axes: []\n", {"1:1: error: the sweep lacks the key 'scenario'"});
  refuses("scenario: smal.yaml\naxes: [{key: a, values: [1]}]\n",
          {"1:11: error: there is no such scenario", "1:11"});
  refuses(with_axis("{key: serving.replica, values: [1, 2]}"),
          {"3:11: error: unknown key 'replica' in 'serving'"});
  refuses(with_axis("{key: serving.replicas, values: [1, x]}"),
          {"3:41: error: 'replicas' must be a whole number"});
  refuses(with_axis("{key: serving.router, values: [round_robn]}"),
          {"3:36: error: no router is called 'round_robn'"});
  refuses(with_axis("{key: serving.replicas, values: []}"),
          {"3:37: error: an axis needs a value at least"});
  refuses(with_axis("{key: serving.replicas, values: [1, 2, 1]}"),
          {"3:44: error: '1' is already a value of 'serving.replicas'"});
  refuses(
      with_axis("zip: [{key: seed_of, values: [1, 1]}, {key: serving.replicas, values: [1, 1]}]"),
      {"3:38: error: '1, 1' is already a value of 'seed_of, serving.replicas'"});
  refuses(with_axis("{key: serving.replicas, values: 1..8 x1}"),
          {"3:37: error: '1..8 x1' is no range"});
  refuses(with_axis("{key: serving.replicas, values: 8..1 +1}"),
          {"3:37: error: '8..1 +1' is no range"});
  refuses(with_axis("{key: serving.replicas, valeus: [1]}"),
          {"3:11: error: the axis lacks its 'values'", "3:29: error: unknown key 'valeus'"});
  refuses(
      with_axis("{key: serving.replicas, values: [1]}\n  - {key: serving.replicas, values: [2]}"),
      {"4:11: error: 'serving.replicas' is already set at bad.yaml:3:11"});
  refuses(
      with_axis("{key: serving.router, values: [round_robin]}\n  - {key: serving, values: [{}]}"),
      {"4:11: error: 'serving' replaces 'serving.router', set at bad.yaml:3:11"});
  refuses(
      with_axis("zip: [{key: model, values: [x, y]}, {key: serving.replicas, values: [1]}]"),
      {"3:73: error: 'serving.replicas' has 1 values, but 'model', which moves with it, has 2"});
  refuses(with_axis("{key: seed, values: [1, 2]}"), {"3:11: error: the seed is not a key to set"});
  refuses(with_axis("{key: \"tiers[2].capacity\", values: [1 GiB]}"),
          {"3:11: error: there is no element [2] to set"});
  refuses(with_axis("{key: a..b, values: [1]}"), {"3:11: error: 'a..b' is not a path of keys"});
  refuses(with("repeat: {seeds: [1, 2, 1]}"), {"3:24: error: the seed 1 is repeated"});
  refuses(with("repeat: {seeds: 0}"), {"3:17: error: 'seeds' must be a list, or a count"});
  refuses(with("metrics: [ttft_men]"), {"3:11: error: no metric is called 'ttft_men'"});
  refuses(with("metrics: [ttft_p50, ttft_p50]"),
          {"3:21: error: the metric 'ttft_p50' is repeated"});
  refuses(with("rank_by: gpu_busy_ratio"), {"3:10: error: neither more nor less"});
  refuses(with("pareto: [ttft_mean]"), {"3:9: error: a trade-off needs two metrics"});
  refuses(with("pareto: [ttft_mean, tier.dram.hit_ratio]"),
          {"3:21: error: no metric is called 'tier.dram.hit_ratio'"});
  refuses(with("set: {serving.replica: 2}"), {"3:7: error: unknown key 'replica' in 'serving'"});
  refuses(with("set: {serving.replicas: 2}"), {"2:14: error: 'serving.replicas' is already set"});
  refuses(with("sets: {}"), {"3:1: error: unknown key 'sets' in the sweep"});
  refuses(with("repeat: {seeds: 5001}"),
          {"2:7: error: these axes make 10002 runs, more than 10000"});
}

TEST_F(SweepVerb, AllMistakesAreReportedAtOnce) {
  refuses(R"(scenario: small.yaml
axes:
  - {key: serving.replica, values: [1]}
  - {key: serving.router, values: [nearest]}
metrics: [ttft]
)",
          {"3:11: error: unknown key", "4:36: error: no router", "5:11: error: no metric"});
}

TEST_F(SweepVerb, MistakesOfTheCommandLineAreRefused) {
  const auto fails = [&](int status, const std::string& line, const std::string& message) {
    const Outcome outcome = place.terrace("sweep " + line);
    EXPECT_EQ(outcome.status, status) << line;
    EXPECT_THAT(outcome.err, HasSubstr(message));
  };
  fails(2, "", "needs SWEEP.yaml");
  fails(3, "x.yaml", "there is no such sweep; did you mean 's.yaml'?");
  fails(3, "dram-sise", "did you mean 'dram-size'?");
  fails(2, "s.yaml --jobs 0", "--jobs takes a number from 1 to 4096, not 0");
  fails(2, "s.yaml --fresh --resume", "--fresh and --resume exclude each other");
  fails(3, "s.yaml --max-runs 17", "these axes make 18 runs, more than 17");
  fails(2, "s.yaml --filter rate=3", "has no value '3'; expected one of: 5 /s, 10 /s");
  place.write("file", "");
  fails(1, "s.yaml --out file/x", "cannot create the directory file/x");
}

TEST_F(SweepVerb, ADatabaseOfSomebodyElseIsNotTouched) {
  fs::create_directories(place.at("d"));
  place.write("d/sweep.sqlite", std::string(10'000, 'x'));
  const Outcome outcome = place.terrace("sweep s.yaml --out d");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("cannot use d/sweep.sqlite: file is not a database"));
  EXPECT_EQ(read_file(place.at("d/sweep.sqlite")), std::string(10'000, 'x'));
}

/// A sweep of some seconds that is stopped in all ways.
class SweepVerbSlow : public SweepVerb {
 protected:
  SweepVerbSlow() {
    place.write("s.yaml", R"(scenario: small.yaml
set: {workload.max_requests: 2000}
axes:
  - {key: serving.engine.max_num_seqs, values: 4..256 x2}
  - {key: "workload.clients[0].arrivals.rate", values: 5 /s..20 /s +1 /s}
repeat: {seeds: 3}
)");
  }

  [[nodiscard]] std::size_t rows() const {
    return RunStore(place.at("d/sweep.sqlite")).foreign("no version");
  }

  [[nodiscard]] pid_t start_until_kept() const {
    return place.start_until_kept({"sweep", "s.yaml", "--out", "d", "--jobs", "1"},
                                  "d/sweep.sqlite");
  }
};

TEST_F(SweepVerbSlow, KilledTenTimesItLosesNothingAndEndsWithTheSameBytes) {
  const Outcome whole = place.terrace("sweep s.yaml --out whole");
  ASSERT_EQ(whole.status, 0) << whole.err;
  int killed = 0;
  std::size_t before = 0;
  for (int i = 0; i < 10; ++i) {
    const pid_t child = start_until_kept();
    kill(child, SIGKILL);
    if (place.finish(child).status != 128 + SIGKILL) break;
    ++killed;
    const std::size_t now = rows();
    EXPECT_GE(now, before) << "what was committed is still there";
    before = now;
    EXPECT_FALSE(fs::exists(place.at("d/runs.csv"))) << "it would say that all is there";
  }
  EXPECT_EQ(killed, 10);
  EXPECT_GT(before, 0U);
  EXPECT_LT(before, 336U) << "the last kill came in the middle, too";
  const Outcome resumed = place.terrace("sweep s.yaml --out d");
  EXPECT_THAT(resumed.err,
              HasSubstr(std::to_string(before) + " of 336 runs are known from before"));
  EXPECT_EQ(resumed.out, whole.out);
  for (const char* file : {"runs.csv", "arms.csv", "sweep.yaml"}) {
    EXPECT_EQ(read_file(place.at("d") / file), read_file(place.at("whole") / file)) << file;
  }
}

TEST_F(SweepVerbSlow, AnInterruptKeepsWhatIsDoneAndSaysWhatIsLeft) {
  const pid_t child = start_until_kept();
  // Whoever comes second is sent away, and disturbs nothing.
  const pid_t other =
      place.start(TERRACE_PROGRAM, {"sweep", "s.yaml", "--out", "d", "--fresh"}, place.at("o"));
  int status = 0;
  ASSERT_EQ(waitpid(other, &status, 0), other);
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_THAT(read_file(place.at("stderr")), HasSubstr("another terrace is at work in d"));

  ASSERT_EQ(kill(child, SIGINT), 0);
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_THAT(read_file(place.at("stdout")), IsEmpty());
  const std::size_t done = rows();
  EXPECT_GT(done, 0U);
  EXPECT_LT(done, 336U);
  const Outcome resumed = place.terrace("sweep s.yaml --out d");
  EXPECT_EQ(resumed.status, 0);
  EXPECT_THAT(resumed.err, HasSubstr(std::to_string(done) + " of 336 runs are known"));
}

TEST(ShippedSweeps, AreRightAndTheirSchemaIsTheOneOfThisProgram) {
  const Workplace place;
  const Outcome names = place.terrace("list sweeps");
  std::istringstream lines(names.out);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const std::string name = line.substr(0, line.find(' '));
    EXPECT_GT(line.size(), name.size() + 10) << "the first line says what it shows";
    const Outcome outcome = place.terrace("sweep " + name + " --dry-run");
    EXPECT_EQ(outcome.status, 0) << name << ": " << outcome.err;
  }
  EXPECT_GT(count, 0);
  EXPECT_EQ(read_file(fs::path(TERRACE_SOURCE_DIR) / "workloads/sweeps/sweep.schema.json"),
            place.terrace("schema sweep").out);
}

}  // namespace
}  // namespace terrace
