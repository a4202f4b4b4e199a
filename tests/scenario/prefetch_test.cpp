// What prefetching does to requests, to the picosecond: steps take constant times, transfers what
// the fabric says of each by itself.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sim/base/random.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/fabric/fabric.hpp"
#include "sim/fabric/node.hpp"
#include "sim/serving/return_clock.hpp"
#include "tests/scenario/run_yaml.hpp"

namespace terrace {
namespace {

using namespace std::chrono_literals;
using testing::Record;
using testing::Result;

constexpr std::int64_t kSecond = 1'000'000'000'000;
constexpr std::int64_t kMillisecond = kSecond / 1000;
constexpr std::int64_t kBlocks = 20;
constexpr Duration kStep = 100ms;  // and 1 us per token

/// A request for a text of so many blocks, and one token more.
std::string visit(std::int64_t at, std::int64_t text, std::int64_t blocks) {
  return testing::trace_line(at, {{text, blocks * 16 + 1}}, 1);
}

/// DRAM that keeps only what is prefetched, above a drive that has everything.
Scenario scenario(const std::string& trace, const std::string& prefetch,
                  const std::string& dram = "unlimited") {
  return testing::parse(testing::kTinyModel + testing::kMachine +
                        fmt::format(R"(
serving:
  engine: {{num_gpu_blocks: 30, load_wait: blocking, max_num_seqs: 1}}
  cost: {{backend: constant, per_step: 100 ms, per_prefill_token: 1 us}}
tiers:
  - {{name: ram, capacity: {}, write: back, admission: never}}
  - {{name: drive, medium: nvme, capacity: unlimited, promotion: in_place, prefetch: {}}}
workload: {{trace: {{path: {}}}}}
)",
                                    dram, prefetch, trace));
}

enum class Place { hbm, dram, drive };

/// What the fabric takes for so many blocks if nothing else moves.
Duration alone(const Scenario& s, Place from, Place to, std::int64_t blocks) {
  EventLoop loop;
  Fabric fabric(loop);
  const Deployment places({s.hardware.gpu, s.hardware.host, s.hardware.ssd,
                           s.hardware.drives_per_host, s.hardware.network, 1, 1, 1},
                          fabric);
  const auto memory = [&](Place place) {
    const ReplicaId replica{0};
    return place == Place::hbm    ? places.hbm(replica)
           : place == Place::dram ? places.dram(replica)
                                  : places.nvme(replica);
  };
  return fabric.unloaded_time(memory(from), memory(to), {Bytes{4096} * blocks, blocks, blocks});
}

/// Texts 1 and 2 go to the drive, and another one drives them out of HBM. At 10 s a request keeps
/// the engine busy for a step, unless it is to be idle.
std::string history(bool busy) {
  return visit(0, 1, kBlocks) + visit(kSecond, 2, kBlocks) + visit(2 * kSecond, 3, 28) +
         (busy ? visit(10 * kSecond, 4, 1) : "");
}

constexpr std::int64_t kArrival = 10 * kSecond + 10 * kMillisecond;

/// The request for text 1 that comes at 10.01 s.
Record wants_one(bool busy, const std::string& prefetch, Scenario& s,
                 std::vector<TierCounters>* counters = nullptr) {
  const testing::TraceFile file(history(busy) + visit(kArrival, 1, kBlocks));
  s = scenario(file.path(), prefetch);
  const Result run = testing::run(s);
  if (counters != nullptr) *counters = run.tiers;
  EXPECT_EQ(run.finished, busy ? 5 : 4);
  return run.requests.back();
}

/// Until the step of `history` is over, if there is one.
constexpr Duration kQueued = kStep + 17us - 10ms;

TEST(Prefetch, WithoutARuleTheDriveIsReadWhenTheRequestIsAdmitted) {
  Scenario s;
  const Record r = wants_one(true, "none", s);
  EXPECT_EQ(r.ttft(), kQueued + alone(s, Place::drive, Place::hbm, kBlocks) + kStep + 1us);
}

TEST(Prefetch, OnArrivalUsesTheTimeInTheQueue) {
  for (const std::string stop : {"best_effort", "wait_complete", "timeout"}) {
    SCOPED_TRACE(stop);
    Scenario s;
    std::vector<TierCounters> tiers;
    const Record r =
        wants_one(true, fmt::format("{{policy: on_arrival, stop: {}}}", stop), s, &tiers);
    const Duration load = alone(s, Place::dram, Place::hbm, kBlocks);
    EXPECT_EQ(r.ttft(), kQueued + load + kStep + 1us);
    EXPECT_LT(load, alone(s, Place::drive, Place::hbm, kBlocks));
    EXPECT_EQ(r.part(TtftPart::queue), kQueued);
    EXPECT_EQ(r.tier_hits, Tokens{kBlocks * 16});
    EXPECT_EQ(tiers[1].prefetched_blocks, kBlocks);
    EXPECT_EQ(tiers[1].prefetch_used, kBlocks);
    EXPECT_EQ(tiers[1].prefetches_stopped, 0);
    EXPECT_EQ(tiers[1].hits, Tokens{});
  }
}

TEST(Prefetch, OnArrivalLeavesShortPrefixesAlone) {
  Scenario s;
  std::vector<TierCounters> tiers;
  wants_one(true, "{policy: on_arrival, min_tokens: 320}", s, &tiers);
  EXPECT_EQ(tiers[1].prefetches, 1);
  wants_one(true, "{policy: on_arrival, min_tokens: 321}", s, &tiers);
  EXPECT_EQ(tiers[1].prefetches, 0);
}

// As HiCache does: what is on its way when the request is considered is computed.
TEST(Prefetch, BestEffortOfAnIdleEngineComesToNothing) {
  Scenario s;
  std::vector<TierCounters> tiers;
  const Record r = wants_one(false, "{policy: on_arrival, batch: 8}", s, &tiers);
  EXPECT_EQ(r.tier_hits, Tokens{});
  EXPECT_EQ(r.ttft(), kStep + (kBlocks * 16 + 1) * 1us);
  EXPECT_EQ(tiers[1].prefetched_blocks, 8);
  EXPECT_EQ(tiers[1].prefetches_stopped, 1);
}

TEST(Prefetch, WaitCompleteWaitsForAllBatches) {
  Scenario s;
  const Record r = wants_one(false, "{policy: on_arrival, batch: 8, stop: wait_complete}", s);
  const Duration moves =
      2 * alone(s, Place::drive, Place::dram, 8) + alone(s, Place::drive, Place::dram, 4);
  EXPECT_EQ(r.part(TtftPart::queue), moves);
  EXPECT_EQ(r.ttft(), moves + alone(s, Place::dram, Place::hbm, kBlocks) + kStep + 1us);
}

TEST(Prefetch, WaitCompleteDoesNotBlockOthers) {
  const testing::TraceFile file(history(false) + visit(kArrival, 1, kBlocks) +
                                visit(kArrival, 5, 1));
  const Scenario s = scenario(file.path(), "{policy: on_arrival, stop: wait_complete}");
  const Result run = testing::run(s);
  ASSERT_EQ(run.finished, 5);
  const Duration first = kStep + 17us;
  EXPECT_EQ(run.requests[4].ttft(), first) << "it came later, and goes first";
  EXPECT_EQ(run.requests[3].ttft(),
            first + alone(s, Place::dram, Place::hbm, kBlocks) + kStep + 1us);
}

// Two requests for one text: the second waits as well, and it moves once.
TEST(Prefetch, WaitCompleteWaitsForWhatMovesForAnother) {
  const testing::TraceFile file(history(false) + visit(kArrival, 1, kBlocks) +
                                visit(kArrival, 1, kBlocks));
  const Result run =
      testing::run(scenario(file.path(), "{policy: on_arrival, stop: wait_complete}"));
  EXPECT_EQ(run.requests[3].tier_hits, Tokens{kBlocks * 16});
  EXPECT_EQ((run.requests[4].tier_hits + run.requests[4].hbm_hits), Tokens{kBlocks * 16});
  EXPECT_EQ(run.tiers[1].prefetched_blocks, kBlocks);
}

// Two of three batches are there when it has waited long enough; the third, which is on its way, is
// computed. By base alone, and by tokens alone: 320 / 1024 of the time per Ki.
TEST(Prefetch, TimeoutTakesWhatIsThere) {
  Scenario s;
  wants_one(false, "none", s);
  const Duration two = 2 * alone(s, Place::drive, Place::dram, 8);
  const Duration patience = (two + alone(s, Place::drive, Place::dram, 4) / 2) / 5 * 5;
  for (const std::string& limit :
       {fmt::format("timeout_base: {} ps, timeout_per_ki_token: 0 s", patience.count()),
        fmt::format("timeout_base: 0 s, timeout_per_ki_token: {} ps", patience.count() / 5 * 16)}) {
    SCOPED_TRACE(limit);
    const Record r = wants_one(
        false, fmt::format("{{policy: on_arrival, batch: 8, stop: timeout, {}}}", limit), s);
    EXPECT_EQ(r.tier_hits, Tokens{16 * 16});
    EXPECT_EQ(r.part(TtftPart::queue), patience);
    const Duration computed = (4 * 16 + 1) * 1us;
    EXPECT_GE(r.ttft(), patience + alone(s, Place::dram, Place::hbm, 16) + kStep + computed);
    // The load shares host memory with the rest of the batch, which makes no difference.
    EXPECT_LE(r.ttft(), patience + alone(s, Place::dram, Place::hbm, 16) + kStep + computed + 1ns);
  }
}

// Text 1 fits into the look-ahead while both wait, text 2 only from when text 1 is admitted; then
// it finds 10 free blocks, for those of text 1 are being loaded.
TEST(Prefetch, QueueLooksAsFarAsDramReaches) {
  const testing::TraceFile file(history(true) + visit(kArrival, 1, kBlocks) +
                                visit(kArrival, 2, kBlocks));
  const auto ram_hits = [&](const std::string& prefetch, std::int64_t blocks) {
    const Result run =
        testing::run(scenario(file.path(), prefetch, fmt::format("{} KiB", 4 * blocks)));
    EXPECT_EQ(run.finished, 6);
    return run.tiers[0].hit_blocks;
  };
  EXPECT_EQ(ram_hits("queue", 40), 40);
  EXPECT_EQ(ram_hits("queue", 30), 30);
  EXPECT_EQ(ram_hits("queue", 19), 0);
  EXPECT_EQ(ram_hits("{policy: queue, window: 1}", 40), 40) << "the second moves in the step";
  EXPECT_EQ(ram_hits("{policy: queue, window: 1}", 30), 30);
}

TEST(Prefetch, QueueServesBothFromDram) {
  const testing::TraceFile file(history(true) + visit(kArrival, 1, kBlocks) +
                                visit(kArrival, 2, kBlocks));
  const Scenario s = scenario(file.path(), "queue");
  const Result run = testing::run(s);
  const Duration each = alone(s, Place::dram, Place::hbm, kBlocks) + kStep + 1us;
  EXPECT_EQ(run.requests[4].ttft(), kQueued + each);
  EXPECT_EQ(run.requests[5].ttft(), kQueued + 2 * each);
}

// Nobody waits: the look-ahead moves nothing, and the drive is read at once.
TEST(Prefetch, QueueOfAnIdleEngineChangesNothing) {
  Scenario s;
  const Record without = wants_one(false, "none", s);
  EXPECT_EQ(wants_one(false, "queue", s), without);
}

// One that would be admitted in the middle of its prefetch waits for the batch that is moving, and
// takes the rest from the drive.
TEST(Prefetch, QueueWaitsForTheMovingBatch) {
  const std::int64_t free = 10 * kSecond + 100 * kMillisecond + 17'000'000;
  Scenario s;
  wants_one(false, "none", s);
  const Duration eight = alone(s, Place::drive, Place::dram, 8);
  const testing::TraceFile file(history(true) + visit(free - eight.count() * 3 / 2, 1, kBlocks));
  s = scenario(file.path(), "{policy: queue, batch: 8}");
  const Result run = testing::run(s);
  const Record& r = run.requests.back();
  EXPECT_EQ(r.part(TtftPart::queue), 2 * eight);
  EXPECT_EQ(r.tier_hits, Tokens{kBlocks * 16});
  EXPECT_EQ(run.tiers[0].hit_blocks, 16);
  EXPECT_EQ(run.tiers[1].hit_blocks, 4);
  EXPECT_EQ(run.tiers[1].prefetches_stopped, 1);
}

// --- sessions ------------------------------------------------------------------------------------

/// Session a comes back after 10 s, and so, it is expected, will b. Between b's turns another text
/// drives it out of HBM.
std::string sessions(std::string_view b_returns) {
  return fmt::format(
      "arrival_s,prompt_tokens,output_tokens,session\n0,321,1,a\n10,330,1,a\n20,321,1,b\n"
      "25,449,1,\n{},340,1,b\n",
      b_returns);
}

Result converse(std::string_view b_returns, const std::string& prefetch, Scenario& s) {
  const testing::TraceFile file(sessions(b_returns));
  s = scenario(file.path() + ", format: csv", prefetch);
  return testing::run(s);
}

TEST(Prefetch, NextTurnFindsItsBlocksInDram) {
  for (const std::string predict : {"mean", "quantile"}) {
    Scenario s;
    const Result run = converse(
        "30", fmt::format("{{policy: next_turn, predict: {}, min_samples: 1}}", predict), s);
    EXPECT_EQ(run.requests[4].ttft(),
              alone(s, Place::dram, Place::hbm, kBlocks) + kStep + (340 - 320) * 1us);
    EXPECT_EQ(run.tiers[1].prefetches, 1);
    EXPECT_EQ(run.tiers[1].prefetch_used, kBlocks);
  }
}

TEST(Prefetch, NextTurnPredictsNothingFromTooFewReturns) {
  Scenario s;
  const Result run = converse("30", "{policy: next_turn, min_samples: 2}", s);
  EXPECT_EQ(run.tiers[1].prefetches, 0);
}

// It moves from `lead` before 30 s on: if b comes at 30 s and it takes longer, b waits for the
// rest.
TEST(Prefetch, NextTurnBeginsItsLeadBeforeTheReturn) {
  Scenario s;
  const Result run = converse("30", "{policy: next_turn, min_samples: 1, lead: 10 us}", s);
  const Duration moves = alone(s, Place::drive, Place::dram, kBlocks);
  ASSERT_GT(moves, 10us);
  EXPECT_EQ(run.requests[4].part(TtftPart::queue), moves - 10us);
  EXPECT_EQ(run.requests[4].tier_hits, Tokens{kBlocks * 16});
}

TEST(Prefetch, NextTurnIsForgottenByWhoComesEarlier) {
  Scenario s;
  const Result run = converse("28", "{policy: next_turn, min_samples: 1, lead: 1 s}", s);
  EXPECT_EQ(run.tiers[1].prefetches, 0);
  EXPECT_EQ(run.requests[4].tier_hits, Tokens{kBlocks * 16});
}

TEST(ReturnTimes, GuessTheMeanOrTheQuantile) {
  for (const double q : {0.0, 0.1, 0.5, 0.9, 1.0}) {
    ReturnTimes mean(std::nullopt);
    ReturnTimes quantile(q);
    Random random(1, "returns");
    std::vector<std::int64_t> all;
    for (std::int64_t n = 1; n <= 200; ++n) {
      const auto time = static_cast<std::int64_t>(random.uniform() * 50);
      all.push_back(time);
      mean.add(Duration{time});
      quantile.add(Duration{time});
      std::vector<std::int64_t> sorted = all;
      std::sort(sorted.begin(), sorted.end());
      std::int64_t sum = 0;
      for (const std::int64_t t : all) sum += t;
      EXPECT_EQ(mean.guess(), Duration{sum / n});
      // The least time that a part q of them did not exceed.
      std::size_t i = 0;
      while (static_cast<double>(i + 1) < q * static_cast<double>(n)) ++i;
      EXPECT_EQ(quantile.guess(), Duration{sorted[i]}) << q << " of " << n;
    }
  }
}

// --- mistakes ------------------------------------------------------------------------------------

std::string why(const std::string& tiers, const std::string& content = "unique") {
  try {
    testing::parse(testing::kTinyModel + testing::kMachine +
                   fmt::format(R"(
tiers: [{}]
workload:
  max_requests: 1
  clients:
    - name: c
      arrivals: {{process: poisson, rate: 1 /s}}
      prompt: {{distribution: constant, value: 1}}
      output: {{distribution: constant, value: 1}}
      content: {{kind: {}}}
)",
                               tiers, content));
  } catch (const config::ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Prefetch, ResolvedScenariosReadBack) {
  const testing::TraceFile file(sessions("30"));
  for (const char* rule :
       {"none", "{policy: queue, window: 3}",
        "{policy: on_arrival, stop: timeout, timeout_base: 3 ms}",
        "{policy: next_turn, predict: quantile, quantile: 0.3, lead: 2 s, batch: 5}"}) {
    const std::string once = resolved_yaml(scenario(file.path(), rule));
    EXPECT_EQ(resolved_yaml(testing::parse(once)), once);
  }
}

TEST(Prefetch, MistakesAreToldApart) {
  const std::string ram = "{name: ram, capacity: 1 MB}, ";
  const auto drive = [](const std::string& prefetch) {
    return "{name: drive, medium: nvme, capacity: 1 MB, prefetch: " + prefetch + "}";
  };
  EXPECT_EQ(why(ram + drive("queue")), "");
  EXPECT_NE(why(drive("queue")).find("no inclusive DRAM tier above it"), std::string::npos);
  EXPECT_NE(why("{name: ram, capacity: 1 MB, write: back, inclusion: exclusive}, " + drive("queue"))
                .find("no inclusive DRAM tier above it"),
            std::string::npos);
  EXPECT_NE(why(ram + "{name: low, capacity: 1 MB, prefetch: queue}").find("lies in DRAM itself"),
            std::string::npos);
  EXPECT_NE(why(ram + drive("next_turn")).find("session"), std::string::npos);
  EXPECT_EQ(why(ram + drive("next_turn"),
                "conversation, turns: {distribution: constant, value: 2}, "
                "think: {distribution: constant, value: 1 s}"),
            "");
  EXPECT_NE(why(ram + drive("{policy: queue, min_tokens: 1}")).find("unknown key 'min_tokens'"),
            std::string::npos);
  EXPECT_NE(why(ram + drive("{policy: on_arrival, timeout_base: 1 s}")).find("unknown key"),
            std::string::npos);
  EXPECT_NE(why(ram + drive("on_arival")).find("on_arrival"), std::string::npos);
}

}  // namespace
}  // namespace terrace
