#include "sim/study/load/slo.hpp"

#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scenario/run_yaml.hpp"

namespace terrace {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

std::vector<SloBound> bounds(const std::string& text) {
  const auto parsed = parse_slo(text);
  EXPECT_TRUE(parsed.value) << text << ": " << parsed.why;
  return parsed.value.value_or(std::vector<SloBound>{});
}

std::string why_none(const std::string& text) {
  const auto parsed = parse_slo(text);
  EXPECT_FALSE(parsed.value) << text;
  return parsed.why;
}

TEST(Slo, IsReadAsItIsNamed) {
  for (const std::string name :
       {"ttft_mean", "ttft_p50", "tpot_p90", "e2e_p95", "ttft_p99", "e2e_p99.9", "chat.tpot_mean",
        "chat.ttft_p99.9", "a.b.ttft_p99"}) {
    const auto read = bounds(name + "=2s");
    ASSERT_EQ(read.size(), 1U) << name;
    EXPECT_EQ(read[0].name(), name);
    EXPECT_EQ(read[0].limit, Duration(2s));
  }
  const auto two = bounds(" ttft = 2 s , agents.tpot_mean=50ms,");
  ASSERT_EQ(two.size(), 2U);
  EXPECT_EQ(two[0].name(), "ttft_p99");
  EXPECT_EQ(two[1].client, "agents");
  EXPECT_EQ(two[1].latency, Latency::tpot);
  EXPECT_FALSE(two[1].quantile);
  EXPECT_EQ(two[1].limit, Duration(50ms));
}

TEST(Slo, SaysWhatIsWrong) {
  EXPECT_THAT(why_none(""), HasSubstr("written as in ttft_p99=2s"));
  EXPECT_THAT(why_none(" , "), HasSubstr("there is no bound"));
  EXPECT_THAT(why_none("ttft_p99"), HasSubstr("'ttft_p99' is no bound"));
  EXPECT_THAT(why_none("ttft_99=2s"), HasSubstr("did you mean 'ttft_p99'?"));
  EXPECT_THAT(why_none("chat.tftt_p99=2s"), HasSubstr("did you mean 'chat.ttft_p99'?"));
  EXPECT_THAT(why_none("latency=2s"), HasSubstr("there are ttft, tpot and e2e"));
  EXPECT_THAT(why_none("ttft_p99=0s"), HasSubstr("can never be met"));
  EXPECT_THAT(why_none("ttft_p99=2"), HasSubstr("unit"));
  EXPECT_THAT(why_none("ttft_p99=soon"), HasSubstr("ttft_p99: "));
  EXPECT_THAT(why_none("tpot=1s,ttft_p99=-2s"), HasSubstr("ttft_p99"));
}

Scenario two_clients() {
  return testing::parse(testing::kTinyModel + testing::kMachine + R"(
workload:
  max_requests: 10
  clients:
    - name: chat
      slo: {ttft: 2 s, tpot: 50 ms}
      arrivals: {process: poisson, rate: 1 /s}
      prompt: {distribution: constant, value: 1}
      output: {distribution: constant, value: 1}
    - name: agents
      slo: {tpot: 20 ms}
      arrivals: {process: poisson, rate: 1 /s}
      prompt: {distribution: constant, value: 1}
      output: {distribution: constant, value: 1}
)");
}

TEST(Slo, OfAScenarioIsThatOfItsClients) {
  const auto of = slo_of(two_clients(), 0.95);
  ASSERT_EQ(of.size(), 3U);
  EXPECT_EQ(of[0].name(), "chat.ttft_p95");
  EXPECT_EQ(of[0].limit, Duration(2s));
  EXPECT_EQ(of[1].name(), "chat.tpot_p95");
  EXPECT_EQ(of[2].name(), "agents.tpot_p95");
  EXPECT_EQ(of[2].limit, Duration(20ms));
  EXPECT_EQ(why_contradictory(of, two_clients()), "");
}

TEST(Slo, ContradictionsAreNamed) {
  const Scenario s = two_clients();
  const auto why = [&](const char* text) { return why_contradictory(bounds(text), s); };
  EXPECT_THAT(why("chatt.ttft_p99=2s"), HasSubstr("did you mean 'chat'?"));
  EXPECT_THAT(why("nobody.ttft_p99=2s"), HasSubstr("there are: chat, agents"));
  EXPECT_THAT(why("ttft=2s,ttft_p99=3s"), HasSubstr("ttft_p99 is bounded twice"));
  EXPECT_THAT(why("ttft_p50=3s,ttft_p99=2s"), HasSubstr("ttft_p50=3 s says nothing"));
  EXPECT_THAT(why("ttft_p99=3s,e2e_p99=2s"), HasSubstr("ttft_p99=3 s says nothing"));
  EXPECT_EQ(why("ttft_p50=1s,ttft_p99=2s,e2e_p99=5s,ttft_mean=1s,chat.ttft_p99=1s"), "");
  EXPECT_EQ(why("ttft_p99=2s,e2e_p50=2s"), "");  // a slow hundredth may still have a slow start
}

TEST(Slo, AQuantileNeedsARequestBeyondItInHalfOfTheRun) {
  EXPECT_EQ(requests_needed(bounds("ttft_p99=2s,tpot_mean=1s")), 200U);
  EXPECT_EQ(requests_needed(bounds("ttft_p99.9=2s,tpot=1s")), 2000U);
  EXPECT_EQ(requests_needed(bounds("ttft_p50=2s")), 4U);
  EXPECT_EQ(requests_needed(bounds("ttft_mean=2s")), 2U);
}

}  // namespace
}  // namespace terrace
