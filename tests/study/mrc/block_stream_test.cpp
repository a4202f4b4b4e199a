// From arrivals to blocks, by hand.

#include "sim/study/mrc/block_stream.hpp"

#include <deque>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/study/mrc/streams.hpp"

namespace terrace {
namespace {

using ::testing::ElementsAre;
using tests::kGoOn;

/// Arrivals that a test wrote down; one with a ticket waits until the one before has left.
class Script final : public Workload {
 public:
  explicit Script(std::vector<Arrival> arrivals) : arrivals_(arrivals.begin(), arrivals.end()) {}

  [[nodiscard]] const std::vector<Client>& clients() const override { return clients_; }
  [[nodiscard]] std::optional<SimTime> next_time() override {
    if (arrivals_.empty() || waiting_) return std::nullopt;
    return arrivals_.front().at;
  }
  void next(Arrival& arrival) override {
    arrival = arrivals_.front();
    arrivals_.pop_front();
    waiting_ = arrival.ticket != Arrival::kNoTicket;
  }
  void left(std::uint32_t, SimTime) override { waiting_ = false; }

 private:
  std::deque<Arrival> arrivals_;
  std::vector<Client> clients_{1};
  bool waiting_ = false;
};

Arrival request(std::vector<Span> prompt, std::int64_t output = 1,
                std::uint32_t ticket = Arrival::kNoTicket) {
  Arrival arrival;
  arrival.prompt = std::move(prompt);
  arrival.output = Tokens{output};
  arrival.output_content = 99;
  arrival.ticket = ticket;
  return arrival;
}

std::vector<std::size_t> ids(const BlockStream& stream) {
  std::vector<std::size_t> all;
  for (const ContentId id : stream.accesses) all.push_back(id.index());
  return all;
}

TEST(BlockStream, ReadsTheFullBlocksOfEachPrompt) {
  Script script({request({{1, Tokens{40}}}), request({{1, Tokens{40}}, {2, Tokens{24}}}),
                 request({{3, Tokens{15}}})});
  const BlockStream stream = collect_stream(script, {Tokens{16}, false, false}, kGoOn);
  EXPECT_THAT(ids(stream), ElementsAre(0, 1, 0, 1, 2, 3));
  const StreamTotals t = totals(stream);
  EXPECT_EQ(t.requests, 3);
  EXPECT_EQ(t.reads, 6);
  EXPECT_EQ(t.unique, 4);
  EXPECT_EQ(t.compulsory_misses, 4);
  EXPECT_EQ(t.prompt, Tokens{119}) << "tokens that fill no block count, too";
  EXPECT_EQ(t.achievable, (HitCounts{2, 2, Tokens{32}, Tokens{32}}));
}

TEST(BlockStream, CountsTheRestOfAPromptAsABlockIfToldTo) {
  Script script(
      {request({{1, Tokens{40}}}), request({{1, Tokens{40}}}), request({{1, Tokens{41}}})});
  const BlockStream stream = collect_stream(script, {Tokens{16}, true, false}, kGoOn);
  EXPECT_EQ(stream.requests[0].last_read, Tokens{8});
  const StreamTotals t = totals(stream);
  EXPECT_EQ(t.reads, 9);
  EXPECT_EQ(t.achievable.blocks, 6) << "the longer prompt ends in another text of the same id?";
}

TEST(BlockStream, OutputsAreWrittenAndNotRead) {
  // The answer of 24 tokens completes the second block and another one. The next turn reads both.
  Script script({request({{1, Tokens{24}}}, 24),
                 request({{1, Tokens{24}}, {99, Tokens{24}}, {2, Tokens{16}}}, 1)});
  const BlockStream stream = collect_stream(script, {Tokens{16}, false, true}, kGoOn);
  EXPECT_THAT(ids(stream), ElementsAre(0, 1, 2, 0, 1, 2, 3));
  EXPECT_EQ(stream.requests[0].reads_end, 1U);
  const StreamTotals t = totals(stream);
  EXPECT_EQ(t.reads, 5);
  EXPECT_EQ(t.writes, 2);
  EXPECT_EQ(t.unique, 4);
  EXPECT_EQ(t.compulsory_misses, 2) << "the first block, and the new text";
}

TEST(BlockStream, AnswersTakeNoTime) {
  Script script({request({{1, Tokens{16}}}, 1, 5), request({{1, Tokens{16}}}, 1, 5)});
  EXPECT_EQ(collect_stream(script, {}, kGoOn).requests.size(), 2U);
}

TEST(BlockStream, EndsWhereItIsStopped) {
  Script script({request({{1, Tokens{16}}})});
  EXPECT_TRUE(collect_stream(script, {}, [](std::uint64_t) { return false; }).requests.empty());
}

}  // namespace
}  // namespace terrace
