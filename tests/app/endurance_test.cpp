// What `terrace endurance` says of rates and of finished runs.

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
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kSmall;
using ::testing::Not;
using testing::Outcome;
using testing::read_file;
using ::testing::StartsWith;
using testing::Workplace;

/// Conversations that come back, over a small HBM and a tier on flash.
constexpr std::string_view kFlash = R"(model: llama-3.1-8b
hardware: {gpu: l40s, host: dual-epyc-ddr4-1tib, ssd: samsung-pm9a3, drives_per_host: 2}
serving: {engine: {num_gpu_blocks: 600}}
tiers:
  - {name: below, medium: nvme, capacity: 1 TB}
workload:
  max_requests: 120
  clients:
    - name: chat
      arrivals: {process: poisson, rate: 2 /s}
      prompt: {distribution: constant, value: 300}
      output: {distribution: constant, value: 20}
      content:
        kind: conversation
        turns: {distribution: constant, value: 4}
        think: {distribution: constant, value: 20 s}
)";

class EnduranceVerb : public ::testing::Test {
 protected:
  [[nodiscard]] json answer(const std::string& line, std::vector<std::string> quoted = {}) const {
    quoted.emplace_back("--json");
    const Outcome outcome = place.terrace(line, std::move(quoted));
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_THAT(outcome.err, IsEmpty());
    return json::parse(outcome.out);
  }
  void fails(int status, const std::string& message, const std::string& line,
             std::vector<std::string> quoted = {}) const {
    const Outcome outcome = place.terrace(line, std::move(quoted));
    EXPECT_EQ(outcome.status, status) << line;
    EXPECT_THAT(outcome.out, IsEmpty()) << line;
    EXPECT_THAT(outcome.err, HasSubstr(message)) << line;
  }
  void run(const std::string& options = "") const {
    place.write("flash.yaml", kFlash);
    ASSERT_EQ(place.terrace("run flash.yaml --quiet --out out " + options).status, 0);
  }
  /// The value of that column in the row of that tier in tiers.csv.
  [[nodiscard]] std::int64_t of_tiers(const std::string& tier, const std::string& column) const {
    std::istringstream lines(read_file(place.at("out/tiers.csv")));
    const auto cells = [](const std::string& line) {
      std::vector<std::string> all;
      std::istringstream in(line);
      for (std::string cell; std::getline(in, cell, ',');) all.push_back(cell);
      return all;
    };
    std::string line;
    std::getline(lines, line);
    const std::vector<std::string> heads = cells(line);
    const auto at = std::find(heads.begin(), heads.end(), column) - heads.begin();
    while (std::getline(lines, line)) {
      const std::vector<std::string> row = cells(line);
      if (row.front() == tier) return std::stoll(row.at(static_cast<std::size_t>(at)));
    }
    return -1;
  }
  Workplace place;
};

TEST_F(EnduranceVerb, ARateOnEveryDriveOfTheCatalogue) {
  const json all = answer("endurance --drives 8", {"--writes", "2.6 GB/s"});
  EXPECT_GT(all["drives_by_cost"].size(), 50U);
  double before = 0;
  for (const json& drive : all["drives_by_cost"]) {
    if (drive["typical"].is_null()) continue;
    EXPECT_GE(drive["typical"]["horizon_usd"], before);
    before = drive["typical"]["horizon_usd"];
    if (drive["drive"] != "solidigm-d7-ps1010" || drive["capacity_bytes"] != 7'680'000'000'000) {
      continue;
    }
    EXPECT_NEAR(drive["dwpd"].get<double>(), 3.66, 0.005);  // 224.6 TB a day on 61.44 TB
    EXPECT_NEAR(drive["life_years"].get<double>(), 5 / 3.656, 0.001);
  }
}

TEST_F(EnduranceVerb, TokensOfAModelAreItsKv) {
  const json all = answer("endurance --tokens-per-second 8000 --model llama-3.1-70b --drives 8");
  EXPECT_EQ(all["written_bytes_per_s"], 8000.0 * 327680);
  const json latent =
      answer("endurance --tokens-per-second 1000 --model deepseek-v3 --tp 8 --drives 8");
  EXPECT_EQ(latent["written_bytes_per_s"], 8 * 1000.0 * 70272);
}

TEST_F(EnduranceVerb, ShowsEveryCapacityOfTheDriveAskedFor) {
  const Outcome outcome =
      place.terrace("endurance --ssd solidigm-d7-ps1010", {"--writes", "100 MB/s"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("1.92 TB"), HasSubstr("15.36 TB"),
                                 Not(HasSubstr("micron")), Not(HasSubstr("WAF"))));
  const Outcome explained =
      place.terrace("endurance --explain --csv out.csv", {"--writes", "100 MB/s"});
  EXPECT_THAT(explained.out, HasSubstr("7.82 with 7 %, 4.68 with 12.5 %, 2.48 with 28 %"));
  EXPECT_THAT(read_file(place.at("out.csv")), StartsWith("drive,capacity_bytes,dwpd,"));
}

TEST_F(EnduranceVerb, RandomWritesAndMirrorsWearMore) {
  const auto life = [&](const std::string& options) {
    return answer("endurance --ssd micron-9550-max " + options,
                  {"--writes", "1 GB/s"})["drives_by_cost"][0]["life_years"]
        .get<double>();
  };
  EXPECT_NEAR(life("") / life("--random"), 2.1, 1e-9);
  EXPECT_NEAR(life("") / life("--waf 2"), 2, 1e-9);
}

TEST_F(EnduranceVerb, ARunsBytesAreThoseOfItsTable) {
  run();
  const json all = answer("endurance --run out");
  const std::int64_t written = of_tiers("below", "written_bytes");
  ASSERT_GT(written, 0);
  ASSERT_EQ(all["rules"].size(), 1U);
  EXPECT_EQ(all["rules"][0]["written_bytes"], written);
  EXPECT_EQ(all["drives"], 2);
  const double seconds = json::parse(read_file(place.at("out/summary.json")))["duration"];
  EXPECT_NEAR(all["written_bytes_per_s"].get<double>(), static_cast<double>(written) / seconds,
              1e-3);
  for (const json& drive : all["drives_by_cost"]) {
    EXPECT_GE(drive["capacity_bytes"].get<std::int64_t>() * 2, 1'000'000'000'000);
  }
}

TEST_F(EnduranceVerb, OtherRulesAreSimulatedAgain) {
  run();
  const json all = answer("endurance --run out --what-if through,back,second_touch,never");
  const json& rules = all["rules"];
  ASSERT_EQ(rules.size(), 5U);
  // The run's own rule gives what the run gave.
  for (const char* key : {"written_bytes", "prefix_hit_ratio", "mean_ttft_ms", "life_years"}) {
    EXPECT_EQ(rules[0][key], rules[1][key]) << key;
  }
  EXPECT_LT(rules[3]["written_bytes"], rules[0]["written_bytes"]);
  EXPECT_EQ(rules[3]["admission"], "second_touch");
  EXPECT_EQ(rules[4]["written_bytes"], 0);
  EXPECT_TRUE(rules[4]["life_years"].is_null());
  const std::string once = place.terrace("endurance --run out --what-if back --jobs 1").out;
  EXPECT_EQ(place.terrace("endurance --run out --what-if back --jobs 4").out, once);
}

TEST_F(EnduranceVerb, SaysWhatIsWrongWithARun) {
  place.write("small.yaml", kSmall);
  ASSERT_EQ(place.terrace("run small.yaml --quiet --out plain").status, 0);
  fails(3, "no tier on NVMe", "endurance --run plain");
  fails(3, "there is no such directory", "endurance --run nowhere");
  run();
  fails(3, "did you mean 'out'?", "endurance --run ouy");
  fails(2, "did you mean 'selective'?", "endurance --run out --what-if seletive");
  fails(2, "'back' is there twice", "endurance --run out --what-if back,back");
  const std::string summary = read_file(place.at("out/summary.json"));
  const std::size_t at = summary.find("\"duration\": ");
  ASSERT_NE(at, std::string::npos);
  std::string changed = summary;
  place.write("out/summary.json", changed.insert(at + 12, "-"));
  fails(3, "the run has no proper duration", "endurance --run out");
  place.write("out/summary.json", summary);
  testing::fs::remove(place.at("out/config.resolved.yaml"));
  fails(3, "has lost its config.resolved.yaml", "endurance --run out");
  testing::fs::remove(place.at("out/summary.json"));
  fails(3, "not the directory of a finished run", "endurance --run out");
}

TEST_F(EnduranceVerb, ARuleThatATierCannotHaveIsRefused) {
  place.write("flash.yaml", kFlash);
  const Outcome made =
      place.terrace("run flash.yaml --quiet --out out",
                    {"--set", "tiers[0].write=back", "--set", "tiers[0].inclusion=exclusive"});
  ASSERT_EQ(made.status, 0) << made.err;
  fails(3, "an exclusive tier must be written back", "endurance --run out --what-if through");
}

TEST_F(EnduranceVerb, SaysThatARunIsIncomplete) {
  run();
  std::string text = read_file(place.at("out/summary.json"));
  const std::string whole = "\"complete\": true";
  const std::size_t at = text.find(whole);
  ASSERT_NE(at, std::string::npos);
  place.write("out/summary.json", text.replace(at, whole.size(), "\"complete\": false"));
  EXPECT_THAT(place.terrace("endurance --run out").out, HasSubstr("PARTIAL"));
  EXPECT_EQ(answer("endurance --run out")["complete"], false);
}

TEST_F(EnduranceVerb, SaysWhatIsWrongWithAQuestion) {
  fails(2, "what is written?", "endurance");
  fails(2, "above zero", "endurance", {"--writes", "0 GB/s"});
  fails(2, "at most 1000 TB/s", "endurance", {"--writes", "1e30 GB/s"});
  fails(2, "at most 100 y", "endurance", {"--writes", "1 GB/s", "--horizon", "1e9 years"});
  fails(2, "a rate with its unit", "endurance --writes 2.6");
  fails(2, "--tokens-per-second needs --model", "endurance --tokens-per-second 10");
  fails(2, "--model needs --tokens-per-second", "endurance --model llama-3.1-8b",
        {"--writes", "1 GB/s"});
  fails(2, "above zero", "endurance --tokens-per-second 0 --model llama-3.1-8b");
  fails(2, "exclude each other", "endurance --run out", {"--writes", "1 GB/s"});
  fails(2, "--drives takes a number from 1", "endurance --drives 0", {"--writes", "1 GB/s"});
  fails(2, "--waf must be between", "endurance --waf 0.5", {"--writes", "1 GB/s"});
  fails(2, "above zero", "endurance", {"--writes", "1 GB/s", "--horizon", "0 years"});
  fails(2, "--what-if needs --run", "endurance --what-if back", {"--writes", "1 GB/s"});
  fails(3, "samsung-pm9a3", "endurance --ssd samsung-pm9a", {"--writes", "1 GB/s"});
}

}  // namespace
}  // namespace terrace
