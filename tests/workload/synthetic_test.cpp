#include "sim/workload/synthetic.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/check.hpp"
#include "sim/base/random.hpp"
#include "tests/workload/toy_server.hpp"

namespace terrace {

static bool operator==(const Arrival& a, const Arrival& b) {
  return a.at == b.at && a.client == b.client && a.prompt == b.prompt && a.output == b.output &&
         a.output_content == b.output_content;  // a ticket is a slot, not part of the request
}

namespace {

using namespace std::chrono_literals;
using test::constant_length;
using test::plain_client;
using test::requests;
using test::ToyServer;
using test::uniform_length;

ClientSpec loop_client(std::int64_t users, Duration think) {
  ClientSpec client = plain_client("loop");
  client.arrivals.process = ArrivalLaw::closed_loop;
  client.arrivals.users = users;
  client.arrivals.think.mean = think;
  return client;
}

ClientSpec chat_client(std::string name) {
  ClientSpec client = plain_client(std::move(name));
  client.arrivals.rate = Frequency{2};
  client.content.kind = ContentLaw::conversation;
  client.content.turns = uniform_length(1, 8);
  client.content.think = {GapDistribution::lognormal, 10s, 1};
  return client;
}

TEST(Synthetic, SameSeedSameRequests) {
  const WorkloadSpec spec{{plain_client("a"), chat_client("b"), loop_client(5, 1s)}, {}, {}};
  const auto once = requests(spec, 11, 3'000, 2s);
  EXPECT_EQ(once.size(), 3'000U);
  EXPECT_EQ(once, requests(spec, 11, 3'000, 2s));
  EXPECT_NE(once, requests(spec, 12, 3'000, 2s));
}

TEST(Synthetic, LongerPromptsLeaveAllElseAlone) {
  WorkloadSpec spec{{plain_client("a")}, 2'000, {}};
  const auto before = requests(spec, 1, 2'000);
  spec.clients[0].prompt = uniform_length(1'000, 2'000);
  const auto after = requests(spec, 1, 2'000);
  for (std::size_t i = 0; i < before.size(); ++i) {
    ASSERT_EQ(after[i].at, before[i].at);
    ASSERT_EQ(after[i].output, before[i].output);
  }
  EXPECT_NE(after, before);
}

TEST(Synthetic, AnotherClientLeavesTheFirstAlone) {
  WorkloadSpec spec{{plain_client("a")}, {}, 100s};
  const auto alone = requests(spec, 1, 10'000);
  spec.clients.push_back(chat_client("b"));
  auto together = requests(spec, 1, 10'000);
  std::erase_if(together, [](const Arrival& arrival) { return arrival.client != 0; });
  EXPECT_EQ(together, alone);
}

/// By what identifies a request whenever it comes.
std::map<std::uint64_t, Arrival> by_output(std::vector<Arrival> arrivals) {
  std::map<std::uint64_t, Arrival> result;
  for (Arrival& arrival : arrivals) {
    arrival.at = {};
    result[arrival.output_content] = std::move(arrival);
  }
  return result;
}

TEST(Synthetic, ASlowerEngineChangesWhenNotWhat) {
  for (ClientSpec client : {chat_client("a"), loop_client(7, 1s)}) {
    client.content.kind = ContentLaw::conversation;
    client.content.turns = uniform_length(1, 8);
    client.content.think.mean = 3s;
    const auto fast = by_output(requests({{client}, {}, {}}, 1, 2'000, 1ms));
    const auto slow = by_output(requests({{client}, {}, {}}, 1, 2'000, 20s));
    std::size_t common = 0;
    for (const auto& [output, arrival] : fast) {
      const auto same = slow.find(output);
      if (same == slow.end()) continue;
      ++common;
      ASSERT_EQ(same->second, arrival);
    }
    EXPECT_GT(common, 1'000U);
  }
}

TEST(Synthetic, MergesClientsInTimeOrderTiesByIndex) {
  WorkloadSpec spec;
  spec.max_requests = 300;
  for (const double rate : {1.0, 2.0, 4.0}) {
    spec.clients.push_back(plain_client("rate " + std::to_string(rate)));
    spec.clients.back().arrivals.process = ArrivalLaw::deterministic;
    spec.clients.back().arrivals.rate = Frequency{rate};
  }
  const auto all = requests(spec, 1, 1'000);
  ASSERT_EQ(all.size(), 300U);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(), [](const Arrival& a, const Arrival& b) {
    return a.at != b.at ? a.at < b.at : a.client < b.client;
  }));
  // Each second: 0 1 2, 2, 1 2, 2.
  const std::vector<std::uint32_t> second = {0, 1, 2, 2, 1, 2, 2};
  for (std::size_t i = 0; i < 280; ++i) ASSERT_EQ(all[i].client, second[i % 7]) << i;
}

TEST(Synthetic, DurationEndsArrivalsAndTurns) {
  const WorkloadSpec spec{{chat_client("a")}, {}, 60s};
  const auto all = requests(spec, 1, 100'000, 1s);
  EXPECT_GT(all.size(), 200U);
  for (const Arrival& arrival : all) ASSERT_LT(arrival.at, SimTime{60s});
}

TEST(Synthetic, MaxRequestsCountsTurnsOfAllClients) {
  ClientSpec few = plain_client("few");
  few.max_requests = 10;
  const WorkloadSpec spec{{few, chat_client("a"), loop_client(3, 1s)}, 500, {}};
  const auto all = requests(spec, 1, 100'000, 1s);
  EXPECT_EQ(all.size(), 500U);
  EXPECT_EQ(std::count_if(all.begin(), all.end(), [](const Arrival& a) { return a.client == 0; }),
            10);
}

TEST(Synthetic, ArrivalsNeverComeBeforeWhatCausedThem) {
  const WorkloadSpec spec{{plain_client("a"), chat_client("b"), loop_client(5, 0s)}, {}, {}};
  const auto workload = make_synthetic(spec, 1);
  Random service{1, "service"};
  ToyServer server(*workload);
  server.serve(
      20'000, [](const Arrival&) {},
      [&](const Arrival&) { return Duration(service.below(1'000'000'000'000)); });
  EXPECT_TRUE(server.in_order());
}

TEST(Synthetic, TicketsAreReused) {
  const auto workload = make_synthetic({{chat_client("a")}, {}, {}}, 1);
  std::uint32_t highest = 0;
  ToyServer(*workload).serve(
      20'000,
      [&](const Arrival& arrival) {
        if (arrival.ticket != Arrival::kNoTicket) highest = std::max(highest, arrival.ticket);
      },
      [](const Arrival&) { return Duration{1s}; });
  // Two conversations begin per second and last for 4.5 turns with pauses of 10 s: about 80 live.
  EXPECT_LT(highest, 200U);
}

TEST(Synthetic, ATicketIsGoodForOneReturn) {
  const auto workload = make_synthetic({{loop_client(1, 1s)}, {}, {}}, 1);
  Arrival arrival;
  workload->next(arrival);
  EXPECT_EQ(workload->next_time(), std::nullopt);
  workload->left(arrival.ticket, SimTime{5s});
  EXPECT_EQ(workload->next_time(), SimTime{6s});
  EXPECT_THROW(workload->left(arrival.ticket, SimTime{5s}), InvariantViolation);
  EXPECT_THROW(workload->left(1'000, SimTime{5s}), InvariantViolation);
}

TEST(ClosedLoop, NeverMoreOutstandingThanUsers) {
  ClientSpec client = loop_client(8, 100ms);
  client.arrivals.think.distribution = GapDistribution::exponential;
  const auto workload = make_synthetic({{client}, {}, {}}, 1);
  Random service{1, "service"};
  ToyServer server(*workload);
  EXPECT_EQ(server.serve(
                20'000, [](const Arrival&) {},
                [&](const Arrival&) { return Duration(service.below(1'000'000'000'000)); }),
            20'000U);
  EXPECT_EQ(server.peak_in_service(), 8U);
}

// The interactive response time law, X = N / (Z + R), exact for constants: in 1000 cycles of
// Z + R = 3 s, 6 users send 6000 requests.
TEST(ClosedLoop, ObeysTheCycleLaw) {
  const WorkloadSpec spec{{loop_client(6, 2s)}, {}, 3'000s};
  const auto all = requests(spec, 1, 100'000, 1s);
  ASSERT_EQ(all.size(), 6'000U);
  for (std::size_t i = 0; i < all.size(); ++i) {
    ASSERT_EQ(all[i].at, SimTime{3s * static_cast<std::int64_t>(i / 6)});
  }
}

// One user who is served at once: what passes between requests is the pause alone, of users as of
// conversations. n = 4,000 exponential pauses; mean and variance within four deviations.
TEST(ClosedLoop, PausesAreIndependentDraws) {
  constexpr std::size_t kPauses = 4'000;
  for (const bool conversation : {false, true}) {
    ClientSpec client = loop_client(1, 5s);
    GapSpec& think = conversation ? client.content.think : client.arrivals.think;
    think = {GapDistribution::exponential, 5s, 1};
    if (conversation) client.content.kind = ContentLaw::conversation;
    client.content.turns = constant_length(kPauses + 1);
    client.prompt = client.output = constant_length(1);
    const auto workload = make_synthetic({{client}, {}, {}}, 1);
    Arrival arrival;
    double squares = 0;
    SimTime last{};
    for (std::size_t i = 0; i <= kPauses; ++i) {
      workload->next(arrival);
      const double pause = seconds(arrival.at - last) / 5;
      squares += pause * pause;
      last = arrival.at;
      workload->left(arrival.ticket, arrival.at);
    }
    // Of an exponential with mean 1: mean 1 and variance 1; second moment 2, of variance 20.
    EXPECT_NEAR(seconds(last) / 5 / kPauses, 1, 4 / std::sqrt(kPauses));
    EXPECT_NEAR(squares / kPauses, 2, 4 * std::sqrt(20.0 / kPauses));
  }
}

TEST(ClosedLoop, RampSpreadsTheUsers) {
  WorkloadSpec spec{{loop_client(4, 7s)}, {}, {}};
  spec.clients[0].arrivals.ramp = 4s;
  const auto all = requests(spec, 1, 8, 1s);
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(all[i].at, SimTime{1s * static_cast<std::int64_t>(i % 4 + 8 * (i / 4))});
  }
}

// Users of conversations think for as long between turns, then between conversations, as they
// should: turns 0, 1, 2 at 0, 1 + 2, 2 (1 + 2), and the next conversation after 3 + 2 * 2 + 7.
TEST(ClosedLoop, UsersOfConversationsPauseTwoWays) {
  ClientSpec client = loop_client(1, 7s);
  client.content.kind = ContentLaw::conversation;
  client.content.turns = constant_length(3);
  client.content.think.mean = 2s;
  const auto all = requests({{client}, {}, {}}, 1, 6, 1s);
  const std::vector<Duration> expected = {0s, 3s, 6s, 14s, 17s, 20s};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(all[i].at, SimTime{expected[i]}) << i;
  EXPECT_EQ(all[2].prompt.size(), 5U);
  EXPECT_EQ(all[3].prompt.size(), 1U);
}

// Turns of one user's conversations: each says whose it is, which, and whether a tool goes on.
TEST(Sessions, TurnsSayWhoseTheyAreAndWhetherAToolIsCalled) {
  for (const bool tools : {false, true}) {
    ClientSpec client = loop_client(2, 7s);
    client.content.kind = ContentLaw::conversation;
    client.content.turns = constant_length(3);
    client.content.think.mean = 2s;
    client.content.tool_calls = tools;
    std::map<std::uint32_t, std::uint32_t> turns;
    for (const Arrival& a : requests({{client}, {}, {}}, 1, 30, 1s)) {
      ASSERT_LT(a.session, 2U) << "dense";
      ASSERT_EQ(a.turn, turns[a.session]);
      ASSERT_EQ(a.prompt.size(), 2 * a.turn + 1) << "all that was said before";
      ASSERT_EQ(a.tool_call, tools && a.turn < 2);
      turns[a.session] = (a.turn + 1) % 3;
    }
    EXPECT_EQ(turns.size(), 2U);
  }
}

TEST(Sessions, RequestsOfOtherClientsHaveNone) {
  for (const ClientSpec& client : {plain_client("a"), loop_client(3, 1s)}) {
    for (const Arrival& a : requests({{client}, {}, {}}, 1, 20, 1s)) {
      EXPECT_EQ(a.session, Arrival::kNoSession);
      EXPECT_EQ(a.turn, 0U);
      EXPECT_FALSE(a.tool_call);
    }
  }
}

}  // namespace
}  // namespace terrace
