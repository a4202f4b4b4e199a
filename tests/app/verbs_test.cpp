// The verbs that describe rather than run.

#include <filesystem>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/app/program.hpp"

namespace terrace {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kSmall;
using ::testing::Not;
using testing::Outcome;
using ::testing::StartsWith;
using testing::Workplace;

TEST(Verbs, EverySchemaIsJson) {
  const Workplace place;
  for (const char* what :
       {"scenario", "sweep", "validation", "model", "gpu", "host", "ssd", "network"}) {
    const Outcome outcome = place.terrace(std::string("schema ") + what);
    EXPECT_EQ(outcome.status, 0) << what;
    EXPECT_TRUE(json::parse(outcome.out).at("properties").is_object()) << what;
  }
}

TEST(Verbs, EverythingListedHasASummary) {
  const Workplace place;
  for (const char* what : {"models", "gpus", "hosts", "ssds", "networks", "workloads", "eviction",
                           "admission", "prefetch", "routers"}) {
    const Outcome outcome = place.terrace(std::string("list ") + what);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_THAT(outcome.out, Not(IsEmpty())) << what;
    std::istringstream lines(outcome.out);
    for (std::string line; std::getline(lines, line);) {
      EXPECT_THAT(line, ContainsRegex("^[^ ]+ +[^ ]+")) << what;
    }
  }
}

TEST(Verbs, ListTellsTheParametersOfAPolicy) {
  const Workplace place;
  const Outcome lru_k = place.terrace("list eviction lru_k");
  EXPECT_EQ(lru_k.status, 0) << lru_k.err;
  EXPECT_THAT(lru_k.out, AllOf(HasSubstr("eviction: {policy: lru_k, k: 2}\n"),
                               HasSubstr("  k: a whole number from 1 to 100; default 2\n"
                                         "      which of the last reads of a block counts\n")));
  EXPECT_THAT(place.terrace("list eviction lru").out, HasSubstr("It has no parameters.\n"));
  EXPECT_THAT(place.terrace("list eviction tail_lru").out, HasSubstr("needs: who uses a block"));
  EXPECT_THAT(place.terrace("list admission second_touch").out, HasSubstr("\n  n: a whole"));
  EXPECT_THAT(
      place.terrace("list prefetch on_arrival").out,
      AllOf(HasSubstr("default 1 s\n      only with stop: timeout\n"), Not(HasSubstr("lead"))));
  EXPECT_THAT(place.terrace("list prefetch next_turn").out, HasSubstr("needs: sessions"));
  EXPECT_THAT(place.terrace("list eviction").out, EndsWith("tells the parameters of one\n"));
}

TEST(Verbs, ListKnowsWhoHasNoParameters) {
  const Workplace place;
  const Outcome wrong = place.terrace("list eviction lruk");
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.err, HasSubstr("knows no 'lruk'; did you mean 'lru"));
  EXPECT_EQ(place.terrace("list prefetch nothing").status, 2);
  EXPECT_THAT(place.terrace("list gpus h100-sxm").err, HasSubstr("takes no NAME"));
}

TEST(Verbs, EachPolicyTellsItsParameters) {
  const Workplace place;
  for (const std::string what : {"eviction", "admission", "prefetch"}) {
    std::istringstream lines(place.terrace("list " + what).out);
    for (std::string line; std::getline(lines, line);) {
      const std::string name = line.substr(0, line.find(' '));
      if (name.starts_with('\'')) continue;
      EXPECT_EQ(place.terrace("list " + what + " " + name).status, 0) << name;
    }
  }
}

TEST(Verbs, ExplainSaysWhereEachValueCameFrom) {
  const Workplace place;
  place.write("small.yaml", kSmall);
  const Outcome outcome =
      place.terrace("config explain small.yaml --seed 4", {"--set", "hardware.gpu.memory=70 GiB"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto line = [&](const std::string& key) {
    std::istringstream lines(outcome.out);
    for (std::string text; std::getline(lines, text);) {
      if (text.starts_with(key + " ")) return text;
    }
    return std::string();
  };
  EXPECT_THAT(line("seed"), AllOf(HasSubstr(" 4 "), HasSubstr("--set seed=4")));
  EXPECT_THAT(line("workload.max_requests"), HasSubstr("small.yaml:4:17"));
  EXPECT_THAT(line("serving.replicas"), HasSubstr(" default "));
  EXPECT_THAT(line("hardware.gpu.memory_bandwidth"),
              AllOf(HasSubstr("h100-sxm.yaml:"), HasSubstr("[datasheet: ")));
  EXPECT_THAT(line("hardware.gpu.memory"),
              AllOf(HasSubstr(" 70 GiB "), HasSubstr("--set hardware.gpu.memory=70 GiB"),
                    Not(HasSubstr("datasheet"))))
      << "the datasheet says nothing of what the user laid over it";
}

TEST(Verbs, DoctorFindsTheCatalogue) {
  const Workplace place;
  const Outcome outcome = place.terrace("doctor");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("gpus"), HasSubstr("io_uring"), HasSubstr("O_DIRECT")));
  EXPECT_EQ(std::distance(testing::fs::directory_iterator(place.at("")), {}), 2)
      << "nothing is left behind but the two streams";
}

/// What bash offers after `line`.
std::string offered(const Workplace& place, const std::string& line) {
  const std::string script =
      "source <(\"$0\" completion bash) && COMP_WORDS=(" + line +
      ") && COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) && _terrace && echo \"${COMPREPLY[*]}\"";
  const Outcome outcome = place.finish(place.start("/bin/bash", {"-euc", script, TERRACE_PROGRAM}));
  EXPECT_EQ(outcome.status, 0) << line << outcome.err;
  EXPECT_THAT(outcome.err, IsEmpty());
  return outcome.out;
}

TEST(Verbs, BashCompletesThem) {
  const Workplace place;
  EXPECT_EQ(offered(place, "terrace ru"), "run\n");
  EXPECT_EQ(offered(place, "terrace list g"), "gpus\n");
  EXPECT_EQ(offered(place, "terrace list --catalog /tmp ro"), "routers\n");
  EXPECT_EQ(offered(place, "terrace config ''"), "explain\n");
  EXPECT_EQ(offered(place, "terrace hw ''"), "show\n");
  EXPECT_THAT(offered(place, "terrace run --"), AllOf(HasSubstr("--seed"), HasSubstr("--help")));
  EXPECT_THAT(offered(place, "terrace help ''"),
              StartsWith("run sweep plan capacity cliff mrc footprint"));
  EXPECT_EQ(offered(place, "terrace run --set x"), "\n");
}

TEST(Verbs, EveryShippedScenarioResolves) {
  const Workplace place;
  std::istringstream names(place.terrace("list workloads").out);
  for (std::string line; std::getline(names, line);) {
    const std::string name = line.substr(0, line.find(' '));
    place.write("t.jsonl", "");
    const std::string trace = name == "mooncake-trace" ? " --trace t.jsonl" : "";
    const Outcome outcome =
        place.terrace(std::string("run --print-config ").append(name).append(trace));
    EXPECT_EQ(outcome.status, 0) << name << ": " << outcome.err;
  }
}

}  // namespace
}  // namespace terrace
