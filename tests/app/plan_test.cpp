// `terrace plan` as its users meet it: tables, files, mistakes, and the plug pulled.

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

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

constexpr const char* kPlan = R"(scenario: small.yaml
set: {workload.max_requests: 400}
demand: {load: 8, growth: 0.5, horizon: 1 year, slo: [ttft_p99=300ms, tpot_p99=30ms]}
machines:
  - name: two H100
    gpu: h100-sxm
    host: dual-xeon-ddr5-2tib
    gpus: 2
    tensor_parallel: [1, 2]
    dram: [512 GiB]
    chassis: {low: 20000 USD, typical: 30000 USD, high: 40000 USD, as_of: 2026-06}
  - name: four L4
    gpu: l4
    host: dual-xeon-ddr5-2tib
    gpus: 4
    dram: [512 GiB]
    chassis: {low: 5000 USD, typical: 8000 USD, high: 9000 USD, as_of: 2026-06}
)";

class PlanVerb : public ::testing::Test {
 protected:
  PlanVerb() {
    place.write("small.yaml", kSmall);
    place.write("p.yaml", kPlan);
  }

  [[nodiscard]] std::string result(const std::string& name) const {
    return read_file(place.at("results/p") / name);
  }

  Workplace place;
};

TEST_F(PlanVerb, SaysWhatToBuyAndWhy) {
  const Outcome outcome = place.terrace("plan p.yaml");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, IsEmpty());
  EXPECT_THAT(
      outcome.out,
      AllOf(StartsWith("Plan p: llama-3.1-8b, 12 times what small.yaml sends: 8 today, "
                       "+50 % a year for 1 year\n"),
            HasSubstr("within  ttft_p99 300.0 ms, tpot_p99 30.00 ms"),
            HasSubstr("3 candidates: 1 ruled out beforehand (1 by latency), 2 simulated in "),
            HasSubstr("Offers, cheapest first"), HasSubstr("Buy 1 x (two H100, TP "),
            HasSubstr("is nearest to its limit"), HasSubstr("It costs least in "),
            HasSubstr("Bill of the first offer"), HasSubstr("Nodes needed"),
            HasSubstr("today  year 1  bought"), HasSubstr("Why the others do not do"),
            HasSubstr("latency   four L4, TP 1, 512 GiB: tpot_p99 is "),
            HasSubstr("step times of L4: a roofline over its datasheet"),
            HasSubstr("chassis of four L4: $8,000 ($5,000 to $9,000), 2026-06"),
            HasSubstr("assumed: GPUs are written off over 4 years")));
}

TEST_F(PlanVerb, KeepsEveryCandidateAndOffer) {
  ASSERT_EQ(place.terrace("plan p.yaml --quiet").status, 0);
  const std::string candidates = result("candidates.csv");
  const std::string offers = result("offers.csv");
  EXPECT_EQ(std::count(candidates.begin(), candidates.end(), '\n'), 1 + 3);
  EXPECT_EQ(std::count(offers.begin(), offers.end(), '\n'), 1 + 2);
  EXPECT_THAT(candidates,
              StartsWith("candidate,name,machine,gpu,gpus,tensor_parallel,dram_bytes,"));
  EXPECT_THAT(candidates, HasSubstr(",ttft_p99_ms,tpot_p99_ms,requests_per_s,"));
  EXPECT_THAT(candidates, HasSubstr("\n3,\"four L4, TP 1, 512 GiB\",four L4,L4,4,1,"));
  EXPECT_EQ(result("plan.yaml"), kPlan);
  // As many cells in every row.
  const auto cells = [](const std::string& line) {
    bool quoted = false;
    return std::count_if(line.begin(), line.end(), [&](char c) {
      if (c == '"') quoted = !quoted;
      return c == ',' && !quoted;
    });
  };
  for (const std::string& table : {candidates, offers}) {
    std::istringstream lines(table);
    std::string head;
    std::getline(lines, head);
    for (std::string line; std::getline(lines, line);) EXPECT_EQ(cells(line), cells(head)) << line;
  }
}

TEST_F(PlanVerb, JsonIsWholeAndNothingElse) {
  const Outcome outcome = place.terrace("plan p.yaml --json");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const json all = json::parse(outcome.out);
  EXPECT_EQ(all.at("plan"), "p");
  EXPECT_EQ(all.at("load"), 12);
  ASSERT_EQ(all.at("candidates").size(), 3U);
  EXPECT_EQ(all.at("candidates")[2].at("obstacle"), "latency");
  EXPECT_TRUE(all.at("candidates")[2].at("performance").is_null());
  const json& best = all.at("offers")[0];
  const json& candidate = all.at("candidates")[best.at("candidate").get<std::size_t>() - 1];
  EXPECT_EQ(best.at("nodes"), candidate.at("nodes_needed"));
  double sum = 0;
  for (const json& line : best.at("bill")) sum += line.at("usd_per_h").get<double>();
  EXPECT_NEAR(sum, best.at("usd_per_h").at("typical").get<double>(), 1e-9);
  EXPECT_LE(candidate.at("performance").at("slo").at("ttft_p99").at("ms"), 300);
  EXPECT_EQ(all.at("outlook").at("offers")[0].at("nodes_by_year").size(), 2U);
}

TEST_F(PlanVerb, ADryRunSimulatesNothing) {
  const Outcome outcome = place.terrace("plan p.yaml --dry-run");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("3 candidates, results in results/p"),
                                 HasSubstr("two H100, TP 1, 512 GiB"), HasSubstr("latency")));
  EXPECT_FALSE(fs::exists(place.at("results")));
}

TEST_F(PlanVerb, NothingThatDoesIsAnAnswerToo) {
  // The L4 are 1.8 times too slow, the H100 1.6 times too dear.
  const std::vector<std::string> budget = {"--set", "limits.budget=60000 USD"};
  const Outcome poor = place.terrace("plan p.yaml", budget);
  EXPECT_EQ(poor.status, 4);
  EXPECT_THAT(poor.err,
              AllOf(HasSubstr("nothing that can be bought meets the demand"), HasSubstr("two H100"),
                    HasSubstr("but for budget: one node that serves takes $96.05 k, of a "
                              "budget of $60.00 k")));
  EXPECT_THAT(poor.out, AllOf(HasSubstr("0 simulated in 0 runs"), HasSubstr("budget"),
                              Not(HasSubstr("Offers"))));
  const Outcome program = place.terrace("plan p.yaml --json", budget);
  EXPECT_EQ(program.status, 4);
  const json all = json::parse(program.out);
  EXPECT_TRUE(all.at("offers").empty());
  EXPECT_EQ(all.at("candidates")[all.at("nearest_miss").get<std::size_t>() - 1].at("obstacle"),
            "budget");
}

TEST_F(PlanVerb, JobsChangeNoByteAndKnownRunsAreNotDoneAgain) {
  const Outcome one = place.terrace("plan p.yaml --jobs 1 --out one");
  const Outcome four = place.terrace("plan p.yaml --jobs 4 --out four");
  EXPECT_EQ(one.out, four.out);
  for (const char* file : {"candidates.csv", "offers.csv"}) {
    EXPECT_EQ(read_file(place.at("one") / file), read_file(place.at("four") / file));
  }
  const auto store = fs::last_write_time(place.at("one") / "plan.sqlite");
  EXPECT_EQ(place.terrace("plan p.yaml --jobs 1 --out one --resume").out, one.out);
  EXPECT_EQ(fs::last_write_time(place.at("one") / "plan.sqlite"), store) << "nothing was added";
  // Other prices and limits are other sums, not other runs.
  EXPECT_EQ(place
                .terrace("plan p.yaml --quiet --out one --set economics.pue=1.1 "
                         "--set machines[0].most_nodes=20")
                .status,
            0);
  EXPECT_EQ(fs::last_write_time(place.at("one") / "plan.sqlite"), store);
  EXPECT_THAT(place.terrace("plan p.yaml --quiet --out one --fresh").err, IsEmpty());
  EXPECT_EQ(place.terrace("plan p.yaml --resume --out other").status, 2);
}

TEST_F(PlanVerb, ASignalKeepsWhatIsDone) {
  const std::vector<std::string> slow = {"plan", "p.yaml", "--jobs",
                                         "1",    "--set",  "set={workload.max_requests: 20000}"};
  const pid_t child = place.start_until_kept(slow, "results/p/plan.sqlite");
  kill(child, SIGINT);
  const Outcome stopped = place.finish(child);
  if (stopped.status != 0) {  // it may have been quicker
    EXPECT_EQ(stopped.status, 130);
    EXPECT_THAT(stopped.err, HasSubstr("the same command goes on with them"));
    EXPECT_THAT(stopped.out, IsEmpty());
  }
  const auto run = [&](const std::string& line) {
    return place.terrace(line, {"--set", "set={workload.max_requests: 20000}"});
  };
  EXPECT_EQ(run("plan p.yaml --resume").out, run("plan p.yaml --out whole").out);
}

TEST_F(PlanVerb, MistakesAreToldBeforeAnythingIsRun) {
  const auto says = [&](const std::string& line, int status, const std::string& message) {
    SCOPED_TRACE(line);
    const Outcome outcome = place.terrace(line);
    EXPECT_EQ(outcome.status, status);
    EXPECT_THAT(outcome.err, HasSubstr(message));
    EXPECT_THAT(outcome.out, IsEmpty());
    EXPECT_FALSE(fs::exists(place.at("results")));
  };
  says("plan", 2, "PLAN.yaml");
  says("plan nothing.yaml", 3, "nothing.yaml");
  says("plan p.yaml --jobs 0", 2, "--jobs takes a number from 1 to");
  says("plan p.yaml --draws 0", 2, "--draws takes a number from 1 to");
  says("plan p.yaml --json --quiet", 2, "--json");
  says("plan p.yaml --max-candidates 2", 3, "these machines make 3 candidates, more than 2");
  says("plan p.yaml --set demand.lod=2", 3, "did you mean 'load'?");
  says("plan small.yaml", 3, "unknown key");
}

TEST_F(PlanVerb, HelpShowsAPlan) {
  const Outcome outcome = place.terrace("plan --help");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("A plan file:"), HasSubstr("machines:"),
                                 HasSubstr("--dry-run"), HasSubstr("Exit status 4")));
}

TEST_F(PlanVerb, BuysNothingByRunsThatAreTooShort) {
  // Under a load so high all requests are there before the first has left, whatever serves them.
  const Outcome outcome = place.terrace("plan p.yaml --set demand.load=100000");
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err,
              HasSubstr("p.yaml: error: under this load the requests are over too soon"));
  EXPECT_THAT(outcome.err, HasSubstr("workload.max_requests: 20000"));
}

}  // namespace
}  // namespace terrace
