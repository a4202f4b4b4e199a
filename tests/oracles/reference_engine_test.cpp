#include "tests/oracles/reference_engine.hpp"

#include <algorithm>
#include <random>
#include <string>

#include <gtest/gtest.h>

// All cases are worked by hand with blocks of four tokens and steps of ten picoseconds. Block ids
// in the comments count from 1, and queues are written head first.

namespace terrace::oracle {
namespace {

using Pairs = std::vector<std::pair<std::size_t, std::int64_t>>;
using Indices = std::vector<std::size_t>;

Settings with_blocks(std::int64_t usable) {
  return {
      .num_blocks = usable + 1, .block_size = 4, .max_num_seqs = 8, .max_num_batched_tokens = 100};
}

/// Each request generates a text of its own.
Request request(std::int64_t arrival, std::vector<Span> prompt, std::int64_t output_tokens,
                int priority = 0) {
  static std::uint64_t content = 1000;
  return {.arrival = arrival,
          .priority = priority,
          .prompt = std::move(prompt),
          .output_tokens = output_tokens,
          .output_content = ++content};
}

std::vector<Step> steps(const Settings& settings, const std::vector<Request>& requests) {
  return run(settings, requests, 10).steps;
}

void expect_step(const Step& step, std::int64_t start, const Pairs& scheduled,
                 std::int64_t free_blocks_after) {
  SCOPED_TRACE("step at " + std::to_string(start));
  EXPECT_EQ(step.start, start);
  EXPECT_EQ(step.scheduled, scheduled);
  EXPECT_EQ(step.free_blocks_after, free_blocks_after);
}

TEST(ReferenceEngine, StartsAtTheArrivalAndDecodesOneTokenPerStep) {
  const auto got = steps(with_blocks(9), {request(3, {{1, 5}}, 3)});
  ASSERT_EQ(got.size(), 3U);
  expect_step(got[0], 3, {{0, 5}}, 7);
  expect_step(got[1], 13, {{0, 1}}, 7);
  expect_step(got[2], 23, {{0, 1}}, 9);
  EXPECT_EQ(got[0].admitted, (Pairs{{0, 0}}));
  EXPECT_EQ(got[1].finished, Indices{});
  EXPECT_EQ(got[2].finished, Indices{0});
}

TEST(ReferenceEngine, ArrivalAtTheEndOfAStepSeesItsOutcome) {
  // Request 0 holds all blocks up to the instant at which request 1 arrives.
  const auto got = steps(with_blocks(2), {request(0, {{1, 7}}, 1), request(10, {{2, 7}}, 1),
                                          request(35, {{3, 1}}, 1)});
  ASSERT_EQ(got.size(), 3U);
  expect_step(got[0], 0, {{0, 7}}, 2);
  expect_step(got[1], 10, {{1, 7}}, 2);
  expect_step(got[2], 35, {{2, 1}}, 2);
}

TEST(ReferenceEngine, ChunksAPrefillBehindTheDecodes) {
  Settings settings = with_blocks(9);
  settings.max_num_batched_tokens = 4;
  const auto got = steps(settings, {request(0, {{1, 2}}, 4), request(0, {{2, 10}}, 1)});
  ASSERT_EQ(got.size(), 4U);
  expect_step(got[0], 0, {{0, 2}, {1, 2}}, 7);
  expect_step(got[1], 10, {{0, 1}, {1, 3}}, 6);
  expect_step(got[2], 20, {{0, 1}, {1, 3}}, 6);
  expect_step(got[3], 30, {{0, 1}, {1, 2}}, 9);
  EXPECT_EQ(got[3].finished, (Indices{0, 1}));
}

TEST(ReferenceEngine, WithoutChunksAPrefillWaitsForAWholeBudget) {
  Settings settings = with_blocks(9);
  settings.max_num_batched_tokens = 10;
  settings.chunked_prefill = false;
  const std::vector<Request> requests = {request(0, {{1, 6}}, 2), request(0, {{2, 5}}, 1),
                                         request(0, {{3, 9}}, 2)};
  const Result got = run(settings, requests, 10);
  EXPECT_EQ(got.rejected, Indices{2});  // eleven tokens could never be recomputed
  ASSERT_EQ(got.steps.size(), 2U);
  expect_step(got.steps[0], 0, {{0, 6}}, 7);
  expect_step(got.steps[1], 10, {{0, 1}, {1, 5}}, 9);
}

TEST(ReferenceEngine, LongPrefillThresholdCapsEveryStep) {
  Settings settings = with_blocks(9);
  settings.long_prefill_token_threshold = 3;
  const auto got = steps(settings, {request(0, {{1, 8}}, 1), request(0, {{2, 2}}, 1)});
  ASSERT_EQ(got.size(), 3U);
  expect_step(got[0], 0, {{0, 3}, {1, 2}}, 8);
  expect_step(got[1], 10, {{0, 3}}, 7);
  expect_step(got[2], 20, {{0, 2}}, 9);
}

TEST(ReferenceEngine, AdmitsNoMoreThanMaxNumSeqs) {
  Settings settings = with_blocks(9);
  settings.max_num_seqs = 1;
  const auto got = steps(settings, {request(0, {{1, 2}}, 1), request(0, {{2, 3}}, 1)});
  ASSERT_EQ(got.size(), 2U);
  expect_step(got[0], 0, {{0, 2}}, 9);
  expect_step(got[1], 10, {{1, 3}}, 9);
}

TEST(ReferenceEngine, RejectsWhatTheWholePoolCannotHold) {
  const Result got = run(with_blocks(2), {request(0, {{1, 8}}, 1), request(0, {{2, 7}}, 1)}, 10);
  EXPECT_EQ(got.rejected, Indices{0});
  ASSERT_EQ(got.steps.size(), 1U);
  expect_step(got.steps[0], 0, {{1, 7}}, 2);
}

TEST(ReferenceEngine, PrefixHitsTheSameStepAndAFreedRequest) {
  const auto got = steps(with_blocks(9), {request(0, {{1, 10}}, 1), request(0, {{1, 8}, {2, 3}}, 1),
                                          request(50, {{1, 6}, {3, 5}}, 1)});
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0].admitted, (Pairs{{0, 0}, {1, 8}}));
  expect_step(got[0], 0, {{0, 10}, {1, 3}}, 9);
  EXPECT_EQ(got[1].admitted, (Pairs{{2, 4}}));
  expect_step(got[1], 50, {{2, 7}}, 9);
}

TEST(ReferenceEngine, PrefixHitNeedsEqualTokensFromTheStart) {
  // The second blocks agree token for token, their prefixes do not; and caching can be off.
  const std::vector<Request> requests = {request(0, {{1, 4}, {2, 4}}, 1),
                                         request(10, {{3, 4}, {2, 5}}, 1),
                                         request(20, {{1, 4}, {2, 5}}, 1)};
  Settings settings = with_blocks(9);
  auto got = steps(settings, requests);
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(got[1].admitted, (Pairs{{1, 0}}));
  EXPECT_EQ(got[2].admitted, (Pairs{{2, 8}}));
  settings.prefix_caching = false;
  got = steps(settings, requests);
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(got[2].admitted, (Pairs{{2, 0}}));
}

TEST(ReferenceEngine, TheNextTurnHitsGeneratedTokensThatWereComputed) {
  // Turn 0 computes 6 + 5 tokens: the sixth output is sampled, and its block never becomes full.
  Request first = request(0, {{1, 6}}, 6);
  const std::uint64_t answer = first.output_content;
  const auto got = steps(with_blocks(9), {first, request(100, {{1, 6}, {answer, 6}, {2, 1}}, 1)});
  ASSERT_EQ(got.size(), 7U);
  EXPECT_EQ(got[6].admitted, (Pairs{{1, 8}}));
  expect_step(got[6], 100, {{1, 5}}, 9);
}

TEST(ReferenceEngine, AFullyCachedPromptRecomputesItsLastBlock) {
  const auto got = steps(with_blocks(9), {request(0, {{1, 8}}, 2), request(0, {{1, 8}}, 2),
                                          request(10, {{1, 8}, {2, 1}}, 2)});
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(got[0].admitted, (Pairs{{0, 0}, {1, 4}}));
  expect_step(got[0], 0, {{0, 8}, {1, 4}}, 6);  // blocks 1 2, 1 3: block 3 repeats block 2
  EXPECT_EQ(got[1].admitted, (Pairs{{2, 8}}));
  // Request 2 holds 1 2 6 when the others have freed 2 4 and 1 3 5.
  expect_step(got[1], 10, {{0, 1}, {1, 1}, {2, 1}}, 6);
  EXPECT_EQ(got[1].finished, (Indices{0, 1}));
  expect_step(got[2], 20, {{2, 1}}, 9);
}

TEST(ReferenceEngine, ADuplicateOutlivesTheFirstCopy) {
  // Requests 0 and 1 hold 1 2 and 1 3 and leave the queue 4 2 3 1. Request 2 evicts 4 2, after
  // which block 3 still answers; with one block more it evicts that copy as well.
  for (const std::int64_t evicted : {2, 3}) {
    const auto got = steps(with_blocks(4),
                           {request(0, {{1, 8}}, 1), request(0, {{1, 8}}, 1),
                            request(20, {{2, evicted * 4}}, 1), request(30, {{1, 8}, {3, 1}}, 1)});
    ASSERT_EQ(got.size(), 3U);
    EXPECT_EQ(got[2].admitted, (Pairs{{3, evicted == 2 ? 8 : 4}}));
  }
}

TEST(ReferenceEngine, TheFirstCopyAnswers) {
  // As above, but request 0 goes on. In step 1 it takes block 4; request 2 shares 1 2 with it and
  // fits into block 3. Had it hit the free copy 3, it would lack a block.
  const auto got = steps(with_blocks(4), {request(0, {{1, 8}}, 3), request(0, {{1, 8}}, 1),
                                          request(10, {{1, 8}, {3, 1}}, 2)});
  ASSERT_EQ(got.size(), 3U);
  expect_step(got[0], 0, {{0, 8}, {1, 4}}, 2);
  EXPECT_EQ(got[1].admitted, (Pairs{{2, 8}}));
  expect_step(got[1], 10, {{0, 1}, {2, 1}}, 0);
  expect_step(got[2], 20, {{0, 1}, {2, 1}}, 4);
}

TEST(ReferenceEngine, PartialBlocksAreReusedFirstOrInOrder) {
  // Request 0 leaves block 1 hashed, then request 1 leaves 2 hashed and 3 partial: the queue is
  // 3 1 2 or, classically, 1 3 2. Request 2 takes the head, request 3 looks for block 1.
  const std::vector<Request> requests = {request(0, {{1, 4}}, 1), request(10, {{2, 5}}, 1),
                                         request(20, {{3, 4}}, 1), request(30, {{1, 5}}, 1)};
  Settings settings = with_blocks(3);
  auto got = steps(settings, requests);
  ASSERT_EQ(got.size(), 4U);
  EXPECT_EQ(got[3].admitted, (Pairs{{3, 4}}));
  settings.partial_blocks_first = false;
  got = steps(settings, requests);
  ASSERT_EQ(got.size(), 4U);
  EXPECT_EQ(got[3].admitted, (Pairs{{3, 0}}));
}

TEST(ReferenceEngine, PreemptsTheLastAndResumesOnSurvivingBlocks) {
  const auto got = steps(with_blocks(4), {request(0, {{1, 8}}, 3), request(0, {{2, 7}}, 3)});
  ASSERT_EQ(got.size(), 5U);
  expect_step(got[0], 0, {{0, 8}, {1, 7}}, 0);  // blocks 1 2, 3 4
  // Request 1 frees 4 (partial) and 3 (hashed), request 0 takes 4.
  EXPECT_EQ(got[1].preempted, Indices{1});
  expect_step(got[1], 10, {{0, 1}}, 1);
  // Eight tokens to resume need block 3, a hit, and one more that is not there.
  EXPECT_EQ(got[2].admitted, Pairs{});
  EXPECT_EQ(got[2].finished, Indices{0});
  expect_step(got[2], 20, {{0, 1}}, 4);
  EXPECT_EQ(got[3].admitted, (Pairs{{1, 4}}));
  expect_step(got[3], 30, {{1, 4}}, 2);  // the output of step 0 was kept: this is the second
  expect_step(got[4], 40, {{1, 1}}, 4);
  EXPECT_EQ(got[4].finished, Indices{1});
}

TEST(ReferenceEngine, NothingIsAdmittedInAStepThatPreempted) {
  // In step 1 request 1 lacks one of the two blocks for its last seven tokens and gives up its own.
  // It could then start over in the two free blocks at once, but must wait for step 2.
  Settings settings = with_blocks(4);
  settings.max_num_batched_tokens = 8;
  settings.prefix_caching = false;
  const auto got = steps(settings, {request(0, {{1, 4}}, 4), request(0, {{2, 12}}, 1)});
  expect_step(got.at(0), 0, {{0, 4}, {1, 4}}, 2);
  EXPECT_EQ(got.at(1).preempted, Indices{1});
  expect_step(got.at(1), 10, {{0, 1}}, 2);
  EXPECT_EQ(got.at(2).admitted, (Pairs{{1, 0}}));
  expect_step(got.at(2), 20, {{0, 1}, {1, 7}}, 0);
}

TEST(ReferenceEngine, SeveralVictimsReturnToTheFrontInOrderOfAdmission) {
  // Three requests of one block each; 0 needs its second block, then 1 and 2 are victims in turn.
  const auto got = steps(with_blocks(3), {request(0, {{1, 4}}, 5), request(0, {{2, 4}}, 2),
                                          request(0, {{3, 4}}, 2), request(5, {{4, 1}}, 1)});
  ASSERT_GE(got.size(), 6U);
  expect_step(got[0], 0, {{0, 4}, {1, 4}, {2, 4}}, 0);
  // Request 0 evicts 2; request 1 then has nobody behind it but itself.
  EXPECT_EQ(got[1].preempted, (Indices{2, 1}));
  expect_step(got[1], 10, {{0, 1}}, 1);
  // Request 1 is at the head and needs two blocks: nobody passes it until request 0 leaves.
  for (std::size_t s = 2; s <= 4; ++s) {
    EXPECT_EQ(got[s].admitted, Pairs{});
    EXPECT_EQ(got[s].scheduled, (Pairs{{0, 1}}));
  }
  EXPECT_EQ(got[4].finished, Indices{0});
  // Block 2 with the prefix of request 1 survived; request 2 finds one free block left, not two.
  EXPECT_EQ(got[5].admitted, (Pairs{{1, 4}}));
}

TEST(ReferenceEngine, PriorityVictimAlreadyScheduledReturnsItsTokens) {
  // Step 1 leaves request 0 with blocks 1 2, request 1 with 3 and request 2 with 4. In step 2,
  // request 0 decodes inside block 2, then request 1 needs a block and takes it from request 0.
  Settings settings = with_blocks(4);
  settings.priority_policy = true;
  settings.max_num_batched_tokens = 6;
  const auto got = steps(settings, {request(0, {{1, 5}}, 3, 5), request(5, {{2, 4}}, 3, 1),
                                    request(5, {{3, 8}}, 1, 2)});
  ASSERT_EQ(got.size(), 6U);
  expect_step(got[0], 0, {{0, 5}}, 2);
  expect_step(got[1], 10, {{0, 1}, {1, 4}, {2, 1}}, 0);
  EXPECT_EQ(got[2].preempted, Indices{0});
  expect_step(got[2], 20, {{1, 1}, {2, 5}}, 0);  // 5 = 6 - 1: request 0 gave its token back
  EXPECT_EQ(got[3].finished, (Indices{1, 2}));
  expect_step(got[3], 30, {{1, 1}, {2, 2}}, 4);
  EXPECT_EQ(got[4].admitted, (Pairs{{0, 0}}));  // block 1 was evicted by request 2
  expect_step(got[4], 40, {{0, 6}}, 2);
  expect_step(got[5], 50, {{0, 1}}, 4);
}

TEST(ReferenceEngine, ReturnedTokensDoNotEnlargeTheChunkThatTookThem) {
  // In step 2 the chunk of request 1 is five tokens, all that request 0 left of the budget. It is
  // still five when request 0 has been preempted for it.
  Settings settings = with_blocks(4);
  settings.priority_policy = true;
  settings.max_num_batched_tokens = 6;
  const auto got = steps(settings, {request(0, {{1, 4}}, 8, 5), request(5, {{2, 12}}, 1, 1)});
  expect_step(got.at(1), 10, {{0, 1}, {1, 5}}, 0);
  EXPECT_EQ(got.at(2).preempted, Indices{0});
  expect_step(got.at(2), 20, {{1, 5}}, 1);
  expect_step(got.at(3), 30, {{1, 2}}, 4);
}

TEST(ReferenceEngine, APassThatOnlyPreemptsIsRepeatedAtOnce) {
  // Request 0 is served first, has the lowest priority and needs a third block in step 2.
  Settings settings = with_blocks(4);
  settings.priority_policy = true;
  const auto got = steps(settings, {request(0, {{1, 7}}, 8, 5), request(5, {{2, 7}}, 3, 1)});
  expect_step(got.at(0), 0, {{0, 7}}, 2);
  expect_step(got.at(1), 10, {{0, 1}, {1, 7}}, 0);
  EXPECT_EQ(got.at(2).preempted, Indices{0});
  expect_step(got.at(2), 20, {{1, 1}}, 2);
  // Request 1 takes block 2. Request 0 still hits block 1, but lacks two more until 1 has left.
  expect_step(got.at(3), 30, {{1, 1}}, 4);
  EXPECT_EQ(got.at(4).admitted, (Pairs{{0, 4}}));
  expect_step(got.at(4), 40, {{0, 5}}, 1);
}

TEST(ReferenceEngine, WaitingRequestsAreAdmittedByPriority) {
  Settings settings = with_blocks(9);
  settings.priority_policy = true;
  const auto got = steps(settings, {request(0, {{1, 1}}, 1, 2), request(0, {{2, 1}}, 1, 1),
                                    request(0, {{3, 1}}, 1, 1)});
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].admitted, (Pairs{{1, 0}, {2, 0}, {0, 0}}));
}

TEST(ReferenceEngine, FullPromptAdmissionWaitsForRoomForTheWholePrompt) {
  // In step 1 request 0 holds two of four blocks: the first chunk of request 1 would fit.
  Settings settings = with_blocks(4);
  settings.max_num_batched_tokens = 4;
  const std::vector<Request> requests = {request(0, {{1, 4}}, 5), request(0, {{2, 12}}, 1)};
  auto got = steps(settings, requests);
  EXPECT_EQ(got.at(1).admitted, (Pairs{{1, 0}}));
  expect_step(got.at(1), 10, {{0, 1}, {1, 3}}, 1);
  settings.full_prompt_admission = true;
  got = steps(settings, requests);
  for (std::size_t s = 1; s <= 4; ++s) EXPECT_EQ(got.at(s).admitted, Pairs{});
  EXPECT_EQ(got.at(4).finished, Indices{0});
  EXPECT_EQ(got.at(5).admitted, (Pairs{{1, 0}}));
  expect_step(got.at(5), 50, {{1, 4}}, 3);
}

/// Draws small numbers in [low, high]; the standard distributions differ between libraries.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : bits_(seed) {}
  std::int64_t operator()(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(bits_() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool coin() { return (*this)(0, 1) == 1; }
  std::uint64_t content() { return static_cast<std::uint64_t>((*this)(0, 3)); }

 private:
  std::mt19937_64 bits_;
};

Settings random_settings(Dice& dice) {
  return {.num_blocks = dice(4, 24),
          .block_size = dice(1, 5),
          .max_num_seqs = dice(1, 6),
          .max_num_batched_tokens = dice(1, 40),
          .long_prefill_token_threshold = dice.coin() ? dice(1, 12) : 0,
          .chunked_prefill = dice(0, 3) > 0,
          .prefix_caching = dice(0, 3) > 0,
          .full_prompt_admission = dice.coin(),
          .priority_policy = dice.coin(),
          .partial_blocks_first = dice.coin()};
}

std::vector<Request> random_requests(Dice& dice) {
  std::vector<Request> requests;
  std::int64_t arrival = 0;
  for (std::int64_t left = dice(1, 30); left > 0; --left) {
    arrival += dice.coin() ? 0 : dice(0, 40);
    Request& request = requests.emplace_back();
    request.arrival = arrival;
    request.priority = static_cast<int>(dice(-1, 2));
    for (std::int64_t spans = dice(1, 3); spans > 0; --spans) {
      request.prompt.push_back({dice.content(), dice(1, 12)});
    }
    request.output_tokens = dice(1, 16);
    request.output_content = dice.content();
  }
  return requests;
}

struct Totals {
  std::int64_t hits = 0;
  std::size_t preempted = 0;
  std::size_t rejected = 0;
  std::size_t chunked = 0;  // steps that stop inside a sequence
};

/// Replays the steps: computed and sampled tokens of every request follow from them alone.
void expect_conservation(const Settings& settings, const std::vector<Request>& requests,
                         const Result& result, Totals& totals) {
  std::vector<std::int64_t> tokens;
  std::vector<std::int64_t> total;
  for (const Request& request : requests) {
    std::int64_t prompt = 0;
    for (const Span& span : request.prompt) prompt += span.tokens;
    tokens.push_back(prompt);
    total.push_back(prompt + request.output_tokens);
  }
  std::vector<std::int64_t> computed(requests.size(), 0);
  std::vector<std::size_t> ends(result.rejected);
  std::int64_t busy_until = 0;
  for (const Step& step : result.steps) {
    EXPECT_GE(step.start, busy_until);
    busy_until = step.start + 10;
    EXPECT_LE(std::ssize(step.scheduled), settings.max_num_seqs);
    for (const std::size_t r : step.preempted) computed[r] = 0;
    for (const auto& [r, hit] : step.admitted) {
      EXPECT_EQ(computed[r], 0);
      EXPECT_LT(hit, tokens[r]);
      EXPECT_EQ(hit % settings.block_size, 0);
      EXPECT_LE(requests[r].arrival, step.start);
      computed[r] = hit;
      totals.hits += hit;
    }
    std::vector<std::size_t> finished;
    std::int64_t batched = 0;
    for (const auto& [r, n] : step.scheduled) {
      batched += n;
      computed[r] += n;
      EXPECT_GT(n, 0);
      EXPECT_LE(computed[r], tokens[r]);
      if (computed[r] < tokens[r]) {
        ++totals.chunked;
      } else if (++tokens[r] == total[r]) {
        finished.push_back(r);
      }
    }
    EXPECT_LE(batched, settings.max_num_batched_tokens);
    EXPECT_EQ(step.finished, finished);
    ends.insert(ends.end(), finished.begin(), finished.end());
    totals.preempted += step.preempted.size();
  }
  totals.rejected += result.rejected.size();

  std::sort(ends.begin(), ends.end());
  Indices everyone(requests.size());
  for (std::size_t r = 0; r < everyone.size(); ++r) everyone[r] = r;
  EXPECT_EQ(ends, everyone) << "each request is rejected or finishes, once";
  if (!result.steps.empty()) {
    EXPECT_EQ(result.steps.back().free_blocks_after, settings.num_blocks - 1);
  }
}

TEST(ReferenceEngine, RandomRunsConserveRequestsAndBlocks) {
  Totals totals;
  for (std::uint64_t seed = 0; seed < 1000 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Dice dice(seed);
    const Settings settings = random_settings(dice);
    const std::vector<Request> requests = random_requests(dice);
    expect_conservation(settings, requests, run(settings, requests, 10), totals);
  }
  EXPECT_GT(totals.hits, 1000);
  EXPECT_GT(totals.preempted, 1000U);
  EXPECT_GT(totals.rejected, 1000U);
  EXPECT_GT(totals.chunked, 1000U);
}

}  // namespace
}  // namespace terrace::oracle
