// `terrace capacity` and `terrace cliff` as their users meet them.

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

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
using ::testing::MatchesRegex;
using ::testing::Not;
using testing::Outcome;
using testing::read_file;
using testing::Workplace;
namespace fs = testing::fs;

class LoadVerbs : public ::testing::Test {
 protected:
  LoadVerbs() { place.write("small.yaml", kSmall); }

  void refuses(const std::string& line, int status, const std::string& message,
               const std::vector<std::string>& quoted = {}) const {
    SCOPED_TRACE(line);
    const Outcome outcome = place.terrace(line, quoted);
    EXPECT_EQ(outcome.status, status) << outcome.err;
    EXPECT_THAT(outcome.out, IsEmpty());
    EXPECT_THAT(outcome.err, HasSubstr(message));
  }

  Workplace place;
};

const std::string kCapacity = "capacity small.yaml --requests 400 --seeds 3 --slo ttft_p99=200ms";

TEST_F(LoadVerbs, CapacityAnswersInWordsAndInJson) {
  const Outcome text = place.terrace(kCapacity);
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_THAT(text.err, IsEmpty());
  for (const char* part :
       {"ttft_p99 <= 200 ms", "requests/s", "times the scenario's own", "What binds: ", "What fits",
        "max_model_len", "3 seeds", "warm-up", "400 requests"}) {
    EXPECT_THAT(text.out, HasSubstr(part));
  }
  const Outcome as_json = place.terrace(kCapacity + " --json");
  const json answer = json::parse(as_json.out);
  EXPECT_TRUE(answer["bounded"]);
  EXPECT_EQ(answer["seeds"].size(), 3U);
  EXPECT_DOUBLE_EQ(answer["slo"]["ttft_p99"], 0.2);
  EXPECT_GT(answer["requests_per_s"]["mean"], 5);
  for (const json& seed : answer["seeds"]) {
    EXPECT_LE(seed["at_capacity"]["bounds"]["ttft_p99"]["value_s"], 0.2);
    EXPECT_TRUE(seed["at_capacity"]["keeps_up"]);
    const bool met = seed["just_above"]["bounds"]["ttft_p99"]["met"];
    const bool keeps_up = seed["just_above"]["keeps_up"];
    EXPECT_FALSE(met && keeps_up);
    EXPECT_LE(seed["fails_at"].get<double>(), 1.02 * seed["factor"].get<double>());
  }
  EXPECT_EQ(place.terrace(kCapacity + " --json --jobs 3").out, as_json.out);
  EXPECT_EQ(place.terrace(kCapacity + " --json --jobs 1").out, as_json.out);
}

TEST_F(LoadVerbs, CapacityTakesTheClientsOwnSlo) {
  const Outcome outcome = place.terrace("capacity small.yaml --requests 300 --seeds 2 --json --set",
                                        {"workload.clients[0].slo={ttft: 300 ms}"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_DOUBLE_EQ(json::parse(outcome.out)["slo"]["chat.ttft_p99"], 0.3);
}

TEST_F(LoadVerbs, CapacityOfATraceIsAboutItsSpeed) {
  std::string lines;
  for (std::int64_t i = 0; i < 400; ++i) {
    lines += "{\"arrival_ps\": " + std::to_string(i * 100'000'000'000) + ", \"prompt\": [[" +
             std::to_string(i + 1) + ", 100]], \"output_tokens\": 10}\n";
  }
  place.write("trace.jsonl", lines);
  const Outcome outcome =
      place.terrace("capacity small.yaml --trace trace.jsonl --slo ttft_p99=100ms --json");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const json answer = json::parse(outcome.out);
  EXPECT_EQ(answer["seeds"].size(), 1U);
  EXPECT_NEAR(answer["requests_per_s"]["mean"], 10 * answer["factor"]["mean"].get<double>(),
              0.05 * answer["requests_per_s"]["mean"].get<double>());
}

TEST_F(LoadVerbs, CapacitySaysWhatIsWrong) {
  refuses("capacity", 2, "which scenario?");
  refuses("capacity small.yaml", 2, "no client of the scenario has an SLO: say --slo");
  refuses("capacity small.yaml --slo ttft_p99=1s", 2,
          "50 requests are too few to tell ttft_p99: it takes 200");
  refuses("capacity small.yaml --slo ttft_99=1s", 2, "did you mean 'ttft_p99'?");
  refuses("capacity small.yaml --slo ttft_p99=0s", 2, "can never be met");
  refuses("capacity small.yaml --slo ttft_p99=1", 2, "unit");
  refuses("capacity small.yaml --slo caht.ttft_p50=1s", 2, "did you mean 'chat'?");
  refuses("capacity small.yaml --slo ttft_p50=2s,ttft_p99=1s", 2, "says nothing");
  refuses("capacity small.yaml --slo ttft_p50=1s --seeds 0", 2, "--seeds takes a number from 1");
  refuses("capacity small.yaml --slo ttft_p50=1s --requests 0", 2,
          "--requests takes a number from 1");
  refuses("capacity small.yaml --slo ttft_p50=1s --precision 2", 2, "--precision must be between");
  refuses("capacity smal.yaml --slo ttft_p50=1s", 3, "small.yaml");
  refuses("capacity small.yaml --slo ttft_p50=1us", 4, "however little comes");
  refuses("capacity small.yaml --slo ttft_p50=1s --set hardware.gpu.memory=1GB", 4, "");
}

TEST_F(LoadVerbs, CliffSaysWhereItBreaksAndWritesFiles) {
  const std::string line =
      "cliff small.yaml --requests 400 --slo ttft_p99=200ms --vary load=1..64 --csv points.csv "
      "--plot cliff.svg";
  place.write("points.csv", "old");
  std::filesystem::create_hard_link(place.at("points.csv"), place.at("old.csv"));
  const Outcome text = place.terrace(line);
  ASSERT_EQ(text.status, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("As load grows, it breaks between"), HasSubstr("ttft_p99"),
                              HasSubstr("What saturates: "), HasSubstr("GPUs computing")));
  EXPECT_THAT(read_file(place.at("cliff.svg")), HasSubstr("<svg"));
  const std::string csv = read_file(place.at("points.csv"));
  EXPECT_EQ(read_file(place.at("old.csv")), "old") << "written in place";
  EXPECT_THAT(csv, HasSubstr("load,value,holds,ttft_p99_s,keeps_up,"));
  const json answer = json::parse(place.terrace(line + " --json").out);
  ASSERT_EQ(answer["breaks"].size(), 1U);
  EXPECT_EQ(answer["breaks"][0]["as_it"], "grows");
  EXPECT_LT(answer["breaks"][0]["holds_at"], answer["breaks"][0]["breaks_at"]);
  EXPECT_EQ(answer["points"].size() + 1,
            static_cast<std::size_t>(std::count(csv.begin(), csv.end(), '\n')));
  EXPECT_EQ(place.terrace(line + " --json --jobs 1").out,
            place.terrace(line + " --json --jobs 4").out);
}

TEST_F(LoadVerbs, CliffTurnsAnyNumberOfAScenario) {
  const auto breaks = [&](const std::string& vary) {
    const Outcome outcome =
        place.terrace("cliff small.yaml --requests 300 --slo ttft_p99=200ms --json --vary", {vary});
    EXPECT_EQ(outcome.status, 0) << vary << outcome.err;
    return outcome.status == 0 ? json::parse(outcome.out) : json();
  };
  const json seats = breaks("max_num_seqs=1..16");
  EXPECT_EQ(seats["knob"], "serving.engine.max_num_seqs");
  for (const json& point : seats["points"]) {
    EXPECT_EQ(point["value"].get<double>(), std::floor(point["value"].get<double>()));
  }
  // 16 GB of weights do not fit: it cannot start.
  const json memory = breaks("hardware.gpu.memory=16GiB..80GiB +16GiB");
  ASSERT_GE(memory["breaks"].size(), 1U);
  EXPECT_EQ(memory["breaks"][0]["as_it"], "falls");
  EXPECT_FALSE(memory["points"][0]["starts"]);
  EXPECT_THAT(memory["points"][0]["why_not"], HasSubstr("fit"));
  EXPECT_EQ(breaks("rate=5..6")["knob"], "rate");
  EXPECT_EQ(breaks("rate=5..6")["breaks"].size(), 0U);
}

TEST_F(LoadVerbs, CliffSaysWhatIsWrong) {
  const std::string line = "cliff small.yaml --slo ttft_p50=1s";
  refuses(line, 2, "what is to be turned?");
  refuses(line + " --vary load", 2, "is not KEY=RANGE");
  refuses(line + " --vary load=2", 2, "is no range of numbers");
  refuses(line + " --vary load=4..1", 2, "not below");
  refuses(line + " --vary load=0..4", 2, "begins above 0");
  refuses(line + " --vary max_num_sqs=1..4", 2, "did you mean 'max_num_seqs'?");
  refuses(line + " --vary users=1..4", 2, "users");
  refuses(line + " --vary serving.router=lru..fifo", 2, "'terrace sweep'");
  refuses(line + " --vary seed=1..4", 2, "the seed is no knob");
  refuses(line + " --vary model.name=1..4", 2, "is no number but 'llama-3.1-8b'");
  refuses(line + " --vary serving.engine.max_num_sqs=1..4", 3, "max_num_seqs");
  refuses(line + " --vary hardware.gpu.memory=1..4", 3, "unit");
  refuses(line + " --vary load=1..4 --refine -1", 2, "--refine");
  refuses("cliff small.yaml --slo ttft_p99=1s --vary load=1..4", 2, "too few");
}

TEST_F(LoadVerbs, AnInterruptSaysHowFarItWas) {
  for (const std::string verb : {"capacity", "cliff"}) {
    std::vector<std::string> words = {verb,       "small.yaml", "--requests",
                                      "20000000", "--slo",      "ttft_p99=1s"};
    if (verb == "cliff") words.insert(words.end(), {"--vary", "load=1..4"});
    const pid_t child = place.start(TERRACE_PROGRAM, words);
    usleep(700'000);
    kill(child, SIGINT);
    const Outcome outcome = place.finish(child);
    EXPECT_EQ(outcome.status, 130) << outcome.err;
    EXPECT_THAT(outcome.out, IsEmpty());
    EXPECT_THAT(outcome.err, HasSubstr("stopped by a signal after "));
  }
}

}  // namespace
}  // namespace terrace
