#include "sim/workload/trace.hpp"

#include <limits>
#include <set>

#include <gtest/gtest.h>

#include "sim/workload/content.hpp"
#include "sim/workload/trace_reader.hpp"
#include "tests/workload/traces.hpp"

namespace terrace {
namespace {

using tests::all_of;
using tests::fixture;
using tests::in_memory;
using tests::prompt_tokens;
using tests::replay;
using tests::replay_file;
using tests::times;
using Times = std::vector<std::int64_t>;
using Spans = std::vector<Span>;

constexpr std::int64_t kSecond = 1'000'000'000'000;

TEST(Trace, MooncakeIsSpansOfHashIdsThatCountFromTheFirstRequest) {
  const auto all = replay_file("mooncake.jsonl");
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(times(all), (Times{0, 0, 3 * kSecond, 19 * kSecond / 2}));
  EXPECT_EQ(all[0].prompt, (Spans{{0, Tokens{512}}, {1, Tokens{512}}, {2, Tokens{76}}}));
  EXPECT_EQ(all[1].prompt, (Spans{{0, Tokens{512}}, {1, Tokens{512}}}));
  EXPECT_EQ(all[2].prompt, (Spans{{0, Tokens{512}}, {3, Tokens{1}}}));
  EXPECT_EQ(all[3].prompt, (Spans{{4, Tokens{7}}}));
  EXPECT_EQ(all[0].output, Tokens{52});
  EXPECT_EQ(all[0].ticket, Arrival::kNoTicket);
  EXPECT_NE(all[0].output_content, all[1].output_content);
}

TEST(Trace, BailianIsInSecondsAndSmallBlocksOfWhichTheRestMayLackAnId) {
  const auto all = replay_file("bailian.jsonl");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(times(all), (Times{0, 60'864'000'000'000}));
  EXPECT_EQ(all[0].prompt, (Spans{{11, Tokens{16}}, {12, Tokens{16}}, {13, Tokens{8}}}));
  ASSERT_EQ(all[1].prompt.size(), 4U);
  EXPECT_EQ(all[1].prompt[2], (Span{14, Tokens{16}}));
  EXPECT_EQ(all[1].prompt[3].tokens, Tokens{4});
  EXPECT_GT(all[1].prompt[3].content, TraceContent::kLastOfTrace);
  EXPECT_EQ(all[0].session, 0U);
  EXPECT_EQ(all[1].session, 0U);
  EXPECT_EQ(all[0].turn, 0U);
  EXPECT_EQ(all[1].turn, 1U);
}

TEST(Trace, BailianSessionsAreChatsWithTheirParents) {
  const auto line = [](std::int64_t chat, std::int64_t parent, int turn) {
    return "{\"chat_id\": " + std::to_string(chat) +
           ", \"parent_chat_id\": " + std::to_string(parent) +
           ", \"turn\": " + std::to_string(turn) +
           ", \"timestamp\": 1, \"input_length\": 5, \"output_length\": 2, \"type\": \"text\", "
           "\"hash_ids\": [3]}\n";
  };
  TraceSpec spec;
  spec.format = TraceFormat::bailian;
  std::string sessions;
  std::string turns;
  // Two chats, one with a fork; one whose parent the trace has not seen; a line without chats.
  for (const Arrival& a : replay(
           line(5, -1, 1) + line(6, -1, 1) + line(7, 5, 2) + line(8, 6, 2) + line(9, 5, 2) +
               line(10, 7, 3) + line(11, 4, 9) +
               "{\"timestamp\": 1, \"input_length\": 5, \"output_length\": 2, \"hash_ids\": [3]}\n",
           spec)) {
    sessions += a.session == Arrival::kNoSession ? "-" : std::to_string(a.session);
    turns += std::to_string(a.turn);
  }
  EXPECT_EQ(sessions, "0101002-");
  EXPECT_EQ(turns, "00111280");
}

TEST(Trace, PlainSessionsAreNumberedAsTheyCome) {
  std::string sessions;
  for (const Arrival& a : replay(
           "arrival_s,prompt_tokens,output_tokens,session\n0,4,1,x\n1,4,1,\n2,9,1,x\n3,4,1,y\n")) {
    sessions += a.session == Arrival::kNoSession ? "-" : std::to_string(a.session);
    sessions += std::to_string(a.turn);
  }
  EXPECT_EQ(sessions, "00-00110");
}

TEST(Trace, AzureTimesAreExactAcrossALeapDay) {
  const auto all = replay_file("azure.csv");
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(times(all), (Times{0, 200'000, 86'400 * kSecond + 100'000}));
  EXPECT_EQ(prompt_tokens(all[1]), 396);
  EXPECT_EQ(all[1].output, Tokens{109});
}

TEST(Trace, AzureTimesMayCarryAZone) {
  const std::string header = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
  EXPECT_EQ(times(replay(header + "2024-05-10 00:00:00.009930+00:00,1,1\n"
                                  "2024-05-10T02:00:01.009930+02:00,1,1\n"
                                  "2024-05-10 00:00:02.00993Z,1,1\n")),
            (Times{0, kSecond, 2 * kSecond}));
}

TEST(Trace, BurstGptSkipsFailedRequestsAndCountsThem) {
  const auto all = replay_file("burstgpt.csv");
  EXPECT_EQ(times(all), (Times{0, 81 * kSecond / 2, 113 * kSecond}));
  EXPECT_EQ(prompt_tokens(all[1]), 417);
  const auto summary = summarise_trace(trace_file(fixture("burstgpt.csv")), {});
  EXPECT_EQ(summary.requests, 3U);
  EXPECT_EQ(summary.skipped, 1U);
}

TEST(Trace, PlainCsvHasClientsPrefixesAndSessions) {
  TraceSpec spec;
  spec.path = fixture("plain.csv");
  const auto workload = open_trace(spec, 1);
  ASSERT_EQ(workload->clients().size(), 3U);
  EXPECT_EQ(workload->clients()[0].name, "chat");
  EXPECT_EQ(workload->clients()[1].name, "batch");
  EXPECT_EQ(workload->clients()[2].name, "one, two");

  const auto all = all_of(*workload);
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(times(all)[0], kSecond / 2) << "the times of a csv are those of the simulation";
  const Span rules = all[0].prompt[0];
  EXPECT_EQ(rules.tokens, Tokens{800});
  EXPECT_EQ(all[1].prompt[0], rules);
  EXPECT_NE(all[1].prompt[1].content, all[0].prompt[1].content);

  const Span question = all[0].prompt[1];
  const Span answer{all[0].output_content, all[0].output};
  ASSERT_EQ(all[2].prompt.size(), 4U);
  EXPECT_EQ(all[2].prompt[0], rules);
  EXPECT_EQ(all[2].prompt[1], question);
  EXPECT_EQ(all[2].prompt[2], answer);
  EXPECT_EQ(all[2].prompt[3].tokens, Tokens{100});
  EXPECT_EQ(all[3].prompt, (Spans{rules, question})) << "asked again: as much as fits whole";
}

TEST(Trace, RequestsWithoutAClientBelongToTheTrace) {
  const auto workload = open_trace(in_memory("arrival_s,prompt_tokens,output_tokens,client\n"
                                             "0,1,1,\n1,1,1,b\n2,1,1,t\n"),
                                   {}, 1);
  ASSERT_EQ(workload->clients().size(), 2U);
  EXPECT_EQ(workload->clients()[0].name, "t");
  const auto all = all_of(*workload);
  EXPECT_EQ(all[0].client, 0U);
  EXPECT_EQ(all[1].client, 1U);
  EXPECT_EQ(all[2].client, 0U);
}

TEST(Trace, OwnFormSaysEverything) {
  TraceSpec spec;
  spec.path = fixture("terrace.jsonl");
  const auto workload = open_trace(spec, 1);
  ASSERT_EQ(workload->clients().size(), 2U);
  EXPECT_EQ(workload->clients()[0].priority, -1);
  EXPECT_EQ(workload->clients()[0].ttft_slo, Duration{kSecond / 2});
  const auto all = all_of(*workload);
  EXPECT_EQ(times(all), (Times{1, 2}));
  EXPECT_EQ(all[0].prompt,
            (Spans{{std::numeric_limits<std::uint64_t>::max(), Tokens{3}}, {5, Tokens{600}}}));
  EXPECT_EQ(all[0].output_content, 77U);
  EXPECT_EQ(all[1].client, 1U);
}

TEST(Trace, ExportAndReplayGiveTheSameArrivals) {
  std::vector<Client> clients(2);
  clients[0] = {"\"quoted\"\n\\ \x01 name", -7, Duration{1}, std::nullopt, {}};
  clients[1] = {"", 3, std::nullopt, Duration{std::numeric_limits<std::int64_t>::max()}, {}};
  std::vector<Arrival> arrivals(2);
  arrivals[0] = {SimTime{Duration{123'456'789'012'345}},
                 1,
                 {{1, Tokens{2}}, {3, Tokens{4}}},
                 Tokens{5},
                 std::numeric_limits<std::uint64_t>::max()};
  arrivals[0].session = 16'777'215;
  arrivals[0].turn = std::numeric_limits<std::uint32_t>::max();
  arrivals[0].tool_call = true;
  clients[0].retention = {{Tokens{3}, Tokens::max(), 0, Duration{7}},
                          {Tokens{}, Tokens{9}, 100, Duration::zero()}};
  arrivals[1] = {SimTime::max(), 0, {{0, Tokens{1}}}, Tokens{1}, 0};
  std::ostringstream out;
  write_terrace_header(out, clients);
  for (const Arrival& a : arrivals) write_terrace_jsonl(out, a, clients);

  const auto workload = open_trace(in_memory(out.str()), {}, 9);
  ASSERT_EQ(workload->clients().size(), clients.size());
  for (std::size_t i = 0; i < clients.size(); ++i) {
    EXPECT_EQ(workload->clients()[i].name, clients[i].name);
    EXPECT_EQ(workload->clients()[i].priority, clients[i].priority);
    EXPECT_EQ(workload->clients()[i].ttft_slo, clients[i].ttft_slo);
    EXPECT_EQ(workload->clients()[i].tpot_slo, clients[i].tpot_slo);
    EXPECT_EQ(workload->clients()[i].retention, clients[i].retention);
  }
  const auto again = all_of(*workload);
  ASSERT_EQ(again.size(), arrivals.size());
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    EXPECT_EQ(again[i].at, arrivals[i].at);
    EXPECT_EQ(again[i].client, arrivals[i].client);
    EXPECT_EQ(again[i].prompt, arrivals[i].prompt);
    EXPECT_EQ(again[i].output, arrivals[i].output);
    EXPECT_EQ(again[i].output_content, arrivals[i].output_content);
    EXPECT_EQ(again[i].session, arrivals[i].session);
    EXPECT_EQ(again[i].turn, arrivals[i].turn);
    EXPECT_EQ(again[i].tool_call, arrivals[i].tool_call);
  }
}

TEST(Trace, TextOfItsOwnCollidesWithNothing) {
  const std::string plain = "arrival_s,prompt_tokens,output_tokens\n0,1,1\n0,1,1\n";
  std::set<std::uint64_t> ids;
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    for (const Arrival& a : all_of(*open_trace(in_memory(plain), {}, seed))) {
      ids.insert(a.prompt[0].content);
      ids.insert(a.output_content);
    }
  }
  EXPECT_EQ(ids.size(), 12U);
  EXPECT_GT(*ids.begin(), TraceContent::kLastOfTrace) << "apart from the ids of traces";
  EXPECT_GT(*ids.begin(), content_id(ContentKind::document, (1U << 12U) - 1, (1ULL << 49U) - 1))
      << "apart from synthetic text";
  EXPECT_GT(TraceContent::prefix("a"), *ids.rbegin());
}

}  // namespace
}  // namespace terrace
