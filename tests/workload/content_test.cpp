#include "sim/workload/content.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>
#include <unordered_map>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/check.hpp"
#include "tests/workload/toy_server.hpp"

namespace terrace {
namespace {

using namespace std::chrono_literals;
using test::constant_length;
using test::lognormal_length;
using test::plain_client;
using test::requests;
using test::uniform_length;

ContentKind kind_of(std::uint64_t content) { return static_cast<ContentKind>(content >> 61U); }
std::uint64_t index_of(std::uint64_t content) { return content & ((std::uint64_t{1} << 49U) - 1); }

Tokens total(const std::vector<Span>& prompt) {
  Tokens tokens;
  for (const Span& span : prompt) tokens += span.tokens;
  return tokens;
}

ClientSpec prefix_client(std::int64_t prompts, double popularity) {
  ClientSpec client = plain_client("assistant");
  client.content.kind = ContentLaw::shared_prefix;
  client.content.prefix = {prompts, lognormal_length(1'000, 0.5), popularity};
  return client;
}

ClientSpec chat_client() {
  ClientSpec client = plain_client("chat");
  client.content.kind = ContentLaw::conversation;
  client.content.turns = uniform_length(1, 12);
  client.content.think = {GapDistribution::exponential, 5s, 1};
  client.content.system = SystemPromptSpec{3, uniform_length(50, 500), 1};
  client.content.max_context = Tokens{4'000};
  return client;
}

ClientSpec rag_client() {
  ClientSpec client = plain_client("search");
  client.content.kind = ContentLaw::rag;
  client.content.documents = 1'000;
  client.content.document_length = lognormal_length(800, 1);
  client.content.documents_per_request = 5;
  client.content.popularity = 1.1;
  return client;
}

TEST(Content, IdsOfDifferentThingsDiffer) {
  std::set<std::uint64_t> ids;
  std::size_t made = 0;
  const std::uint64_t last = (std::uint64_t{1} << 49U) - 1;
  for (const ContentKind kind : {ContentKind::text, ContentKind::output, ContentKind::system_prompt,
                                 ContentKind::document}) {
    for (const std::uint32_t client : {0U, 1U, 4'094U}) {
      for (const std::uint64_t index : {std::uint64_t{0}, std::uint64_t{1}, last}) {
        ids.insert(content_id(kind, client, index));
        ++made;
      }
    }
  }
  EXPECT_EQ(ids.size(), made);
  EXPECT_EQ(ids.count(0), 0U);
  EXPECT_EQ(turn_index(1, 0), turn_index(0, kMaxTurns - 1) + 1);
  EXPECT_THROW(static_cast<void>(content_id(ContentKind::text, 0, last + 1)), InvariantViolation);
  EXPECT_THROW(static_cast<void>(content_id(ContentKind::text, 4'096, 0)), InvariantViolation);
  EXPECT_THROW(static_cast<void>(turn_index(0, kMaxTurns)), InvariantViolation);
}

TEST(Content, UniqueRequestsShareNothing) {
  std::set<std::uint64_t> seen;
  for (const Arrival& arrival : requests({{plain_client("a")}, 1'000, {}}, 1, 1'000)) {
    ASSERT_EQ(arrival.prompt.size(), 1U);
    EXPECT_TRUE(seen.insert(arrival.prompt[0].content).second);
    EXPECT_TRUE(seen.insert(arrival.output_content).second);
    EXPECT_EQ(arrival.ticket, Arrival::kNoTicket);
  }
}

// n = 20,000 requests; counts within four deviations of a binomial.
TEST(Content, SystemPromptsAreChosenByPopularity) {
  constexpr std::size_t kRequests = 20'000;
  std::vector<double> counts(8);
  for (const Arrival& arrival : requests({{prefix_client(8, 1)}, kRequests, {}}, 1, kRequests)) {
    ASSERT_EQ(arrival.prompt.size(), 2U);
    EXPECT_EQ(kind_of(arrival.prompt[0].content), ContentKind::system_prompt);
    EXPECT_EQ(kind_of(arrival.prompt[1].content), ContentKind::text);
    ++counts.at(index_of(arrival.prompt[0].content));
  }
  double harmonic = 0;
  for (int i = 1; i <= 8; ++i) harmonic += 1.0 / i;
  for (int i = 1; i <= 8; ++i) {
    const double p = 1.0 / i / harmonic;
    EXPECT_NEAR(counts[static_cast<std::size_t>(i - 1)] / kRequests, p,
                4 * std::sqrt(p * (1 - p) / kRequests));
  }
}

TEST(Content, TurnsExtendThePromptBeforeSpanBySpan) {
  struct Conversation {
    std::vector<Span> expected;  // what the next turn must begin with
    std::size_t turns = 0;
  };
  std::unordered_map<std::uint64_t, Conversation> conversations;
  std::size_t most_turns = 0;
  for (const Arrival& arrival : requests({{chat_client()}, 20'000, {}}, 1, 20'000, 3s)) {
    const std::uint64_t session = index_of(arrival.output_content) / kMaxTurns;
    Conversation& before = conversations[session];
    if (before.turns == 0) {
      ASSERT_EQ(arrival.prompt.size(), 2U);
      EXPECT_EQ(kind_of(arrival.prompt[0].content), ContentKind::system_prompt);
    } else {
      ASSERT_EQ(arrival.prompt.size(), before.expected.size() + 1);
      EXPECT_TRUE(
          std::equal(before.expected.begin(), before.expected.end(), arrival.prompt.begin()));
    }
    EXPECT_EQ(arrival.prompt.back().content,
              content_id(ContentKind::text, 0, turn_index(session, before.turns)));
    EXPECT_LE(total(arrival.prompt) + arrival.output, Tokens{4'000});
    EXPECT_GE(arrival.output, Tokens{1});
    before.expected = arrival.prompt;
    before.expected.push_back({arrival.output_content, arrival.output});
    most_turns = std::max(most_turns, ++before.turns);
  }
  EXPECT_GT(conversations.size(), 2'000U);
  EXPECT_EQ(most_turns, 12U);
}

TEST(Content, ConversationsHaveTheTurnsTheyWantIfTheContextIsFree) {
  ClientSpec client = chat_client();
  client.content.turns = constant_length(4);
  client.content.max_context.reset();
  client.max_requests = 4'000;
  std::vector<std::size_t> turns(10'000);
  const auto all = requests({{client}, {}, {}}, 1, 4'000);
  for (const Arrival& arrival : all) ++turns[index_of(arrival.output_content) / kMaxTurns];
  EXPECT_EQ(all.size(), 4'000U);
  EXPECT_EQ(*std::max_element(turns.begin(), turns.end()), 4U);
  EXPECT_GT(std::count(turns.begin(), turns.end(), 4U), 900);
}

TEST(Content, FirstTurnIsCutToTheContext) {
  for (const std::int64_t context : {2, 3, 10, 120}) {
    ClientSpec client = chat_client();
    client.prompt = constant_length(100);
    client.output = constant_length(100);
    client.content.max_context = Tokens{context};
    for (const Arrival& arrival : requests({{client}, 100, {}}, 1, 100)) {
      EXPECT_LE(total(arrival.prompt) + arrival.output, Tokens{context});
      EXPECT_GE(arrival.prompt.back().tokens, Tokens{1});
      EXPECT_GE(arrival.output, Tokens{1});
    }
  }
}

TEST(Content, DocumentsOfARequestAreDistinct) {
  for (const bool with_system : {false, true}) {
    ClientSpec client = rag_client();
    if (with_system) client.content.system = SystemPromptSpec{1, constant_length(64), 0};
    std::vector<double> counts(1'000);
    for (const Arrival& arrival : requests({{client}, 5'000, {}}, 1, 5'000)) {
      const std::size_t first = with_system ? 1 : 0;
      ASSERT_EQ(arrival.prompt.size(), first + 6);
      std::set<std::uint64_t> documents;
      for (std::size_t i = first; i < first + 5; ++i) {
        EXPECT_EQ(kind_of(arrival.prompt[i].content), ContentKind::document);
        documents.insert(arrival.prompt[i].content);
        ++counts.at(index_of(arrival.prompt[i].content));
      }
      EXPECT_EQ(documents.size(), 5U);
      EXPECT_EQ(kind_of(arrival.prompt.back().content), ContentKind::text);
    }
    EXPECT_GT(counts[0], counts[3]);
    EXPECT_GT(counts[3], counts[30]);
  }
}

TEST(Content, ASteepPopularityStillFindsAllDocuments) {
  ClientSpec client = rag_client();
  client.content.documents = 40;
  client.content.documents_per_request = 40;
  client.content.popularity = 20;
  for (const Arrival& arrival : requests({{client}, 10, {}}, 1, 10)) {
    std::set<std::uint64_t> documents;
    for (const Span& span : arrival.prompt) documents.insert(span.content);
    EXPECT_EQ(documents.size(), 41U);
  }
}

// A content id stands for one length, in whatever prompt it turns up: 100,000 requests of all
// kinds.
TEST(Content, AContentIdHasOneLength) {
  WorkloadSpec spec{
      {plain_client("plain"), prefix_client(50, 1), chat_client(), rag_client()}, {}, {}};
  ClientSpec loop = chat_client();
  loop.name = "loop";
  loop.arrivals.process = ArrivalLaw::closed_loop;
  loop.arrivals.users = 16;
  loop.arrivals.think.mean = 1s;
  spec.clients.push_back(loop);
  std::unordered_map<std::uint64_t, Tokens> lengths;
  const auto expect_one = [&](std::uint64_t content, Tokens tokens) {
    const auto [known, fresh] = lengths.try_emplace(content, tokens);
    ASSERT_EQ(known->second, tokens) << content;
  };
  std::size_t count = 0;
  const auto workload = make_synthetic(spec, 5);
  test::ToyServer(*workload).serve(
      100'000,
      [&](const Arrival& arrival) {
        ++count;
        for (const Span& span : arrival.prompt) {
          ASSERT_GE(span.tokens, Tokens{1});
          expect_one(span.content, span.tokens);
        }
        expect_one(arrival.output_content, arrival.output);
      },
      [](const Arrival&) { return Duration{2s}; });
  EXPECT_EQ(count, 100'000U);
}

}  // namespace
}  // namespace terrace
