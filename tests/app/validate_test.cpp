// `terrace validate` as its users meet it: a closed loop, files, bounds, mistakes.

#include <map>
#include <sstream>
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
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kSmall;
using ::testing::Not;
using testing::Outcome;
using testing::read_file;
using ::testing::StartsWith;
using testing::Workplace;
namespace fs = testing::fs;

constexpr const char* kRun = R"(scenario: small.yaml
measured: {path: run.csv}
estimated_on: no run at all
notes: made by the simulator itself
)";

/// Some columns of the requests.csv of a run, in order of arrival, under the names of a measured
/// run.
std::string measured_csv(const std::string& requests) {
  std::map<long, std::string> rows;
  std::istringstream in(requests);
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::vector<std::string> cells;
    std::istringstream row(line);
    for (std::string cell; std::getline(row, cell, ',');) cells.push_back(cell);
    // request,arrival_s,client,prompt_tokens,output_tokens,ttft_ms,tpot_ms,e2e_ms
    rows[std::stol(cells[0])] = cells[1] + ',' + cells[3] + ',' + cells[4] + ',' + cells[5] + ',' +
                                cells[6] + ',' + cells[7] + '\n';
  }
  std::string out = "arrival_s,input_tokens,output_tokens,ttft_ms,tpot_ms,e2e_ms\n";
  for (const auto& [number, row] : rows) out += row;
  return out;
}

class ValidateVerb : public ::testing::Test {
 protected:
  ValidateVerb() {
    place.write("small.yaml", kSmall);
    place.write("v.yaml", kRun);
    EXPECT_EQ(place.terrace("run small.yaml --quiet --out simulated").status, 0);
    place.write("run.csv", measured_csv(read_file(place.at("simulated") / "requests.csv")));
  }

  void refuses(int status, const std::string& message, const std::string& options,
               const std::vector<std::string>& quoted = {}) const {
    SCOPED_TRACE(options);
    const Outcome outcome = place.terrace("validate " + options, quoted);
    EXPECT_EQ(outcome.status, status);
    EXPECT_THAT(outcome.err, HasSubstr(message));
    EXPECT_THAT(outcome.out, IsEmpty());
  }

  Workplace place;
};

TEST_F(ValidateVerb, PassesOnWhatIsToBeServedHere) {
  const Outcome help = place.terrace("validate --here --help");
  EXPECT_EQ(help.status, 0) << help.err;
  EXPECT_THAT(help.out, HasSubstr("usage: terrace calibrate here [options]"));
  refuses(2, "there is no error 'step_median'; did you mean 'steps_median'?", "--here --fail-on",
          {"step_median>10%"});
  refuses(2, "--fail-on takes ERROR>NUMBER%, such as steps_median>10%, not 'steps_median'",
          "--here --fail-on", {"steps_median"});
  refuses(2, "--seed takes a number from 0 on, not -1", "--here --seed -1");
  refuses(2, "", "--here v.yaml");
}

// Times in requests.csv are exact, and shifting all arrivals changes nothing on one replica: what
// the simulator made, it predicts without any error.
TEST_F(ValidateVerb, PredictsItselfExactly) {
  const Outcome outcome = place.terrace("validate v.yaml --json --csv out.csv");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const json summary = json::parse(outcome.out);
  for (const char* latency : {"ttft", "tpot", "e2e"}) {
    SCOPED_TRACE(latency);
    const json& errors = summary.at(latency);
    EXPECT_GT(errors.at("requests"), 40);
    for (const char* figure : {"mean", "p50", "p90", "p99"}) {
      EXPECT_EQ(errors.at(figure).at("error_percent"), 0.0) << figure;
      EXPECT_GT(errors.at(figure).at("measured_ms"), 0.0);
    }
    EXPECT_EQ(errors.at("mape_percent"), 0.0);
    EXPECT_EQ(errors.at("bias_percent"), 0.0);
  }
  EXPECT_EQ(summary.at("run").at("makespan").at("error_percent"), 0.0);
  EXPECT_EQ(summary.at("rejected"), 0);
  EXPECT_EQ(summary.at("seats"), 256);
  EXPECT_EQ(summary.at("estimated_on"), "no run at all");
  EXPECT_EQ(summary.at("attribution"), nullptr);
  EXPECT_EQ(summary.at("quarters").size(), 4U);
  std::istringstream rows(read_file(place.at("out.csv")));
  std::string line;
  std::getline(rows, line);
  EXPECT_EQ(line,
            "request,arrival_s,input_tokens,output_tokens,shared_prefix_tokens,load,ttft_ms,"
            "predicted_ttft_ms,ttft_error_percent,tpot_ms,predicted_tpot_ms,tpot_error_percent,"
            "e2e_ms,predicted_e2e_ms,e2e_error_percent");
  int count = 0;
  for (; std::getline(rows, line); ++count) EXPECT_THAT(line, ::testing::EndsWith(",0"));
  EXPECT_EQ(count, 50);
}

TEST_F(ValidateVerb, TellsPeopleWhereItIsWrong) {
  const Outcome outcome = place.terrace("validate v.yaml", {"--set", "hardware.gpu=l40s"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, IsEmpty());
  EXPECT_THAT(
      outcome.out,
      AllOf(StartsWith("v\n"), HasSubstr("L40S"), HasSubstr("50 requests in "),
            HasSubstr("run.csv (csv)"), HasSubstr("estimated on  no run at all"),
            HasSubstr("made by the simulator itself"), HasSubstr("TTFT measured"),
            HasSubstr("makespan"), HasSubstr("load < 0.5"), HasSubstr("measured TTFT < 1 s"),
            HasSubstr("of what TTFTs are wrong by belongs to arrivals from"),
            HasSubstr("Worst TTFT")));
  std::istringstream lines(outcome.out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
}

TEST_F(ValidateVerb, WritesTheSameFilesEveryTime) {
  for (const char* directory : {"a", "b"}) {
    ASSERT_EQ(place
                  .terrace(std::string("validate v.yaml --out ") + directory,
                           {"--set", "hardware.gpu=l40s"})
                  .status,
              0);
  }
  for (const char* name : {"requests.csv", "summary.json", "ttft.svg", "ttft_error.svg"}) {
    const std::string first = read_file(place.at("a") / name);
    EXPECT_THAT(first, Not(IsEmpty())) << name;
    EXPECT_EQ(first, read_file(place.at("b") / name)) << name;
  }
  EXPECT_EQ(json::parse(read_file(place.at("a") / "summary.json")).at("schema_version"), 1);
}

TEST_F(ValidateVerb, AMissedBoundHasItsOwnExitStatus) {
  EXPECT_EQ(place.terrace("validate v.yaml --fail-on ttft_mean>0%").status, 0);
  const Outcome missed =
      place.terrace("validate v.yaml --json --fail-on ttft_mean>2%",
                    {"--fail-on", "makespan>1000 %", "--set", "hardware.gpu=l40s"});
  EXPECT_EQ(missed.status, 5);
  EXPECT_THAT(missed.err, HasSubstr("ttft_mean is off by +"));
  EXPECT_THAT(missed.err, HasSubstr("more than 2 %"));
  const json bounds = json::parse(missed.out).at("bounds");
  ASSERT_EQ(bounds.size(), 2U);
  EXPECT_EQ(bounds[0].at("met"), false);
  EXPECT_GT(bounds[0].at("error_percent"), 2.0);
  EXPECT_EQ(bounds[1].at("met"), true);
}

TEST_F(ValidateVerb, ARejectedRequestMeetsNoBound) {
  const Outcome outcome = place.terrace("validate v.yaml --fail-on ttft_mean>1000%",
                                        {"--set", "serving.engine.max_model_len=210"});
  EXPECT_EQ(outcome.status, 5);
  EXPECT_THAT(outcome.out, HasSubstr("The simulator rejects "));
  EXPECT_THAT(outcome.err, HasSubstr("or requests are rejected"));
}

TEST_F(ValidateVerb, BadBoundsAreMistakesAtTheKeyboard) {
  refuses(2, "did you mean 'ttft_mean'?", "v.yaml --fail-on ttft_mena>2%");
  refuses(2, "it is written as in ttft_mean>2%", "v.yaml --fail-on ttft_mean");
  place.write("run.csv", "arrival_s,input_tokens,output_tokens,ttft_ms\n0,10,5,3\n");
  refuses(2, "'tpot_mean' cannot be told", "v.yaml --fail-on tpot_mean>2%");
}

TEST_F(ValidateVerb, LooksForDataWhereItIsTold) {
  fs::create_directory(place.at("data"));
  fs::rename(place.at("run.csv"), place.at("data") / "run.csv");
  EXPECT_EQ(place.terrace("validate v.yaml --data data").status, 0);
  refuses(3, "v.yaml:2:18: error: there is no such measured run: run.csv", "v.yaml");
  refuses(3, "is --data the right folder?", "v.yaml --data simulated");
}

TEST_F(ValidateVerb, LaysValuesOverTheScenario) {
  place.write("v.yaml", std::string(kRun) + "set: {serving.engine.max_num_seqs: 4}\n");
  EXPECT_EQ(json::parse(place.terrace("validate v.yaml --json").out).at("seats"), 4);
  EXPECT_EQ(
      json::parse(place
                      .terrace("validate v.yaml --json", {"--set", "serving.engine.max_num_seqs=8",
                                                          "--set", "serving.replicas=2"})
                      .out)
          .at("seats"),
      16);
}

TEST_F(ValidateVerb, SaysWhereEachMistakeStands) {
  const auto file = [&](const std::string& text, const std::string& message) {
    place.write("bad.yaml", text);
    refuses(3, message, "bad.yaml");
  };
  file("scenario: small.yml\nmeasured: {path: run.csv}\n",
       "bad.yaml:1:11: error: there is no such scenario");
  file("scenario: small.yaml\n", "bad.yaml:1:1: error: the validation lacks the key 'measured'");
  file("scenario: small.yaml\nmeasured: {path: run.csv, fromat: csv}\n", "did you mean 'format'?");
  file("scenario: small.yaml\nmeasured: {path: run.csv, format: cvs}\n", "did you mean 'csv'?");
  file("scenario: small.yaml\nmeasured: {path: run.csv}\nset: {workload.max_requests: 3}\n",
       "bad.yaml:3:7: error: 'workload.max_requests' has no effect");
  file("scenario: small.yaml\nmeasured: {path: run.csv}\nset: {serving.replica: 3}\n",
       "did you mean 'replicas'?");
  file("scenario: small.yaml\nmeasured: {path: small.yaml}\n", "small.yaml:1:");
  refuses(3, "'workload' has no effect", "v.yaml --set workload={}");
  refuses(3, "there is no such validation", "missing.yaml");
}

TEST_F(ValidateVerb, AStoredPrefixIsNotComputedAgain) {
  const auto ttft_of_second = [&](const char* shared) {
    place.write("run.csv", std::string("arrival_s,input_tokens,output_tokens,shared_prefix_tokens,"
                                       "ttft_ms\n0,4000,5,0,100\n10,4000,5,") +
                               shared + ",100\n");
    EXPECT_EQ(place.terrace("validate v.yaml --csv out.csv").status, 0);
    const std::string rows = read_file(place.at("out.csv"));
    std::istringstream second(rows.substr(rows.find("\n1,")));
    std::string cell;
    for (int column = 0; column <= 7; ++column) std::getline(second, cell, ',');
    return std::stod(cell);
  };
  const double whole = ttft_of_second("0");
  const double half = ttft_of_second("2000");
  EXPECT_LT(half, 0.75 * whole);
  EXPECT_LT(ttft_of_second("4000"), 0.5 * half) << "one block at least is computed";
}

TEST_F(ValidateVerb, HasASchemaAndIsCompleted) {
  const json schema = json::parse(place.terrace("schema validation").out);
  for (const char* key : {"scenario", "set", "measured", "estimated_on", "notes", "attribution"}) {
    EXPECT_TRUE(schema.at("properties").contains(key)) << key;
  }
  EXPECT_THAT(place.terrace("completion bash").out, HasSubstr("--fail-on"));
  EXPECT_THAT(place.terrace("help validate").out, HasSubstr("estimated_on"));
}

}  // namespace
}  // namespace terrace
