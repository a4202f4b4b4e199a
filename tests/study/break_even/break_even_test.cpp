#include "sim/study/break_even/break_even.hpp"

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/for_all.hpp"
#include "tests/scenario/run_yaml.hpp"
#include "tests/study/break_even/golden_machine.hpp"

namespace terrace {
namespace {

using testing::golden_machine;
using testing::GoldenModel;
using testing::kGolden70b;
using testing::kGolden8b;
using testing::kGoldenV3;
using testing::replicated_work;
using tests::for_all;

constexpr std::int64_t kBlock = 16;
constexpr Tokens kFresh{16};

double ms(Duration d) { return seconds(d) * 1e3; }

/// Within 2 %, and the half millisecond that the table is rounded to.
void expect_cell(Duration time, double cell) { EXPECT_NEAR(ms(time), cell, 0.02 * cell + 0.5); }

// --- a table of load and recompute times, worked out elsewhere -----------------------------------

struct GoldenRow {
  const GoldenModel& model;
  std::int64_t tokens;
  double recompute;  // ms
  double needed;     // GB/s
  double dram;
  double small_pieces;
  double four_drives;
  double one_drive;
  double network_400g;
  double network_100g;
  double object_store;  // 2 GB/s
};

const std::vector<GoldenRow>& golden_rows() {
  // Of DeepSeek-V3, DRAM is of one eighth of the latents to each GPU.
  static const std::vector<GoldenRow> kRows = {
      {kGolden8b, 1, 22, 6.2, 2, 21, 3, 11, 3, 12, 67},
      {kGolden8b, 8, 198, 5.4, 20, 170, 22, 89, 23, 98, 537},
      {kGolden8b, 32, 1138, 3.8, 78, 682, 89, 358, 93, 390, 2147},
      {kGolden8b, 128, 10103, 1.7, 312, 2727, 358, 1432, 373, 1562, 8590},
      {kGolden70b, 8, 508, 5.3, 12, 107, 56, 224, 58, 244, 1342},
      {kGolden70b, 32, 2490, 4.3, 49, 426, 224, 895, 233, 976, 5369},
      {kGolden70b, 128, 17307, 2.5, 195, 1704, 895, 3579, 934, 3905, 21475},
      {kGoldenV3, 8, 178, 3.2, 1, 11, 12, 48, 13, 52, 288},
      {kGoldenV3, 32, 1237, 1.9, 5, 46, 48, 192, 50, 209, 1151},
      {kGoldenV3, 128, 13330, 0.7, 21, 183, 192, 768, 200, 837, 4605}};
  return kRows;
}

Duration network_load(Scenario machine, double bandwidth, std::int64_t blocks) {
  machine.hardware.network->bandwidth = Bandwidth{bandwidth};
  return PrefixTimes(machine, kFresh).load(Medium::network, 0, blocks);
}

TEST(BreakEven, RecomputeTimesOfTheTable) {
  for (const GoldenRow& row : golden_rows()) {
    SCOPED_TRACE(fmt::format("{} {}k", row.model.name, row.tokens));
    const PrefixTimes times(golden_machine(row.model), kFresh);
    const std::int64_t tokens = row.tokens * 1024;
    expect_cell(times.recompute(tokens / kBlock) - replicated_work(row.model, tokens),
                row.recompute);
  }
}

TEST(BreakEven, RatesOfTheTableThatLoadsNeed) {
  for (const GoldenRow& row : golden_rows()) {
    SCOPED_TRACE(fmt::format("{} {}k", row.model.name, row.tokens));
    BreakEvenQuestion question;
    question.prefixes = {Tokens{row.tokens * 1024}};
    question.fresh = kFresh;
    const BreakEven answer = break_even(golden_machine(row.model), question);
    const PrefixAnswer& prefix = answer.prefixes.front();
    const double kept =
        1 - seconds(replicated_work(row.model, prefix.prefix.count())) / seconds(prefix.recompute);
    // The table counts each token's KV once.
    const double needed = prefix.needed.count() * 1e-9 / answer.copies / kept;
    EXPECT_NEAR(needed, row.needed, 0.02 * row.needed + 0.05);
    EXPECT_NEAR(answer.copies, row.model.name == "deepseek-v3" ? 8 : 1, 1e-9);
  }
}

TEST(BreakEven, LoadTimesOfTheTable) {
  for (const GoldenRow& row : golden_rows()) {
    SCOPED_TRACE(fmt::format("{} {}k", row.model.name, row.tokens));
    Scenario machine = golden_machine(row.model);
    const std::int64_t blocks = row.tokens * 1024 / kBlock;
    // Under tensor parallelism every GPU pulls all latents, through all media: what the table has
    // of them once is moved eight times here.
    const bool latent = row.model.name == "deepseek-v3";
    const double copies = latent ? 8 : 1;
    const PrefixTimes one(machine, kFresh);
    const auto expect = [&](Duration time, double cell) {
      EXPECT_NEAR(ms(time), copies * cell, copies * (0.02 * cell + 0.5));
    };
    expect(one.load(Medium::dram, 0, blocks), row.dram);
    expect(one.load(Medium::nvme, 0, blocks), row.one_drive);
    expect(one.load(Medium::network, 0, blocks), row.network_400g);
    expect(network_load(machine, 11e9, blocks), row.network_100g);
    expect(network_load(machine, 2e9, blocks), row.object_store);
    machine.hardware.drives_per_host = 4;
    const PrefixTimes four(machine, kFresh);
    expect(four.load(Medium::nvme, 0, blocks), row.four_drives);
    machine.serving.engine.kv_layout = KvLayout::layer;
    machine.hardware.gpu.host_link.descriptors.cutoff = Bytes{1 << 20};
    const PrefixTimes layers(machine, kFresh);
    expect(layers.load(Medium::dram, 0, blocks), row.small_pieces);
  }
}

// One drive under eight GPUs, 1.5 GB/s each, loses up to some 150k tokens of the 8B.
TEST(BreakEven, ADriveSharedByEightLosesUpToLongPrefixes) {
  Scenario machine = golden_machine(kGolden8b);
  machine.serving.replicas = 8;
  machine.model.max_context = Tokens{1 << 20};
  const PrefixTimes times(machine, kFresh);
  EXPECT_NEAR(ms(times.load(Medium::nvme, 0, 512)), 8192.0 * 131072 / 1.5e9 * 1e3, 0.1);
  const auto from = times.break_even(Medium::nvme, (1 << 20) / kBlock);
  ASSERT_TRUE(from);
  EXPECT_NEAR(static_cast<double>(*from * kBlock), 150e3, 10e3);
  // Alone, it always wins.
  machine.serving.replicas = 1;
  EXPECT_EQ(PrefixTimes(machine, kFresh).break_even(Medium::nvme, 8192), 1);
}

// --- against runs --------------------------------------------------------------------------------

Scenario tiny(const std::string& medium, const std::string& more = "") {
  return testing::parse(testing::kTinyModel + testing::kMachine +
                        fmt::format(R"(
serving:
  engine: {{num_gpu_blocks: 30{}}}
  cost: {{backend: constant, per_step: 70 us, per_prefill_token: 100 ns}}
tiers: [{{name: below, medium: {}, capacity: unlimited}}]
workload: {{clients: [{{name: none, arrivals: {{process: poisson, rate: 1 /s}},
            prompt: {{distribution: constant, value: 1}}, output: {{distribution: constant, value: 1}}}}],
            max_requests: 1}}
)",
                                    more, medium));
}

// Text 1, then others that take all of HBM, then text 1 with another end: its load, to the
// picosecond, in every medium and layout.
TEST(BreakEven, ALoadTakesWhatItTakesInARun) {
  constexpr std::int64_t kSecond = 1'000'000'000'000;
  constexpr std::int64_t kShared = 20;
  const testing::TraceFile trace(
      testing::trace_line(0, {{1, kShared * kBlock}, {10, 40}}, 1) +
      testing::trace_line(10 * kSecond, {{2, 28 * kBlock + 1}}, 1) +
      testing::trace_line(20 * kSecond, {{1, kShared * kBlock}, {11, 40}}, 1));
  for (const std::string medium : {"dram", "nvme", "network"}) {
    for (const std::string layout : {"block", "layer"}) {
      SCOPED_TRACE(medium + " " + layout);
      Scenario s = tiny(medium, ", kv_layout: " + layout);
      const PrefixTimes times(s, Tokens{40});
      const Medium tier = s.tiers.front().medium;
      s.workload.trace = TraceSpec{};
      s.workload.trace->path = trace.path();
      const testing::Result run = testing::run(s);
      const testing::Record& last = run.requests.back();
      EXPECT_EQ(last.tier_hits, Tokens{kShared * kBlock});
      EXPECT_EQ(last.part(TtftPart::kv_load), times.load(tier, 0, kShared));
      // And computing the prefix takes what the first visit took longer than the last one did
      // without its load.
      const Duration saved =
          run.requests.front().part(TtftPart::prefill) - last.part(TtftPart::prefill);
      EXPECT_EQ(saved, times.recompute(kShared));
    }
  }
}

/// What a run with the rule `cheaper` loads of a prefix that lies below.
Tokens loaded_if_cheaper(Scenario s, std::int64_t blocks) {
  constexpr std::int64_t kSecond = 1'000'000'000'000;
  const testing::TraceFile trace(
      testing::trace_line(0, {{1, blocks * kBlock}, {10, 40}}, 1) +
      testing::trace_line(10 * kSecond, {{2, 198 * kBlock + 1}}, 1) +
      testing::trace_line(20 * kSecond, {{1, blocks * kBlock}, {11, 40}}, 1));
  s.workload.trace = TraceSpec{};
  s.workload.trace->path = trace.path();
  s.serving.engine.num_gpu_blocks = 200;
  s.serving.engine.load = LoadDecision::cheaper;
  return testing::run(s).requests.back().tier_hits;
}

TEST(BreakEven, ARunThatChoosesLoadsFromJustThatLengthOn) {
  int found = 0;
  for (const std::string medium : {"dram", "nvme", "network"}) {
    for (std::int64_t nanoseconds = 20; nanoseconds < 600; nanoseconds += 30) {
      Scenario s = tiny(medium);
      s.serving.cost.constant.per_prefill_token = std::chrono::nanoseconds(nanoseconds);
      const auto from = PrefixTimes(s, Tokens{40}).break_even(s.tiers.front().medium, 150);
      if (!from || *from < 2) continue;
      ++found;
      SCOPED_TRACE(fmt::format("{} {} ns: {}", medium, nanoseconds, *from));
      EXPECT_EQ(loaded_if_cheaper(s, *from), Tokens{*from * kBlock});
      EXPECT_EQ(loaded_if_cheaper(s, *from - 1), Tokens{0});
    }
  }
  EXPECT_GT(found, 10);
}

// --- properties ----------------------------------------------------------------------------------

/// A machine whose links and steps are drawn at random.
Scenario random_machine(const std::string& medium) {
  Scenario s = tiny(medium);
  const auto any = [](int low, int high) {
    return static_cast<double>(*rc::gen::inRange(low, high));
  };
  s.hardware.gpu.host_link.h2d = Bandwidth{any(1, 1000) * 1e8};
  s.hardware.gpu.host_link.latency = Duration{*rc::gen::inRange(0, 20'000'000)};
  s.hardware.ssd->read.bandwidth = Bandwidth{any(1, 200) * 1e7};
  s.hardware.network->bandwidth = Bandwidth{any(1, 200) * 1e7};
  s.hardware.network->latency = Duration{*rc::gen::inRange(0, 1'000'000'000)};
  s.serving.cost.constant.per_step = Duration{*rc::gen::inRange(1, 100'000'000)};
  s.serving.cost.constant.per_prefill_token = Duration{*rc::gen::inRange(0, 1'000'000)};
  s.serving.engine.max_num_batched_tokens = Tokens{*rc::gen::inRange(16, 4096)};
  s.serving.replicas = *rc::gen::inRange(1, 5);
  return s;
}

TEST(BreakEven, FromThereOnLoadingIsNoSlowerAndOneBlockBeforeItIs) {
  int found = 0;
  for_all([&] {
    const Scenario s = random_machine(*rc::gen::element<std::string>("dram", "nvme", "network"));
    const Medium tier = s.tiers.front().medium;
    const PrefixTimes times(s, Tokens{40});
    constexpr std::int64_t kLongest = 3000;
    const auto from = times.break_even(tier, kLongest);
    const auto pays = [&](std::int64_t blocks) {
      return times.load(tier, 0, blocks) <= times.recompute(blocks);
    };
    RC_ASSERT(from.has_value() == pays(kLongest));
    if (!from) return;
    RC_ASSERT(pays(*from));
    if (*from == 1) return;
    ++found;
    RC_ASSERT(!pays(*from - 1));
  });
  EXPECT_GT(found, 20);
}

TEST(BreakEven, AHybridIsNoSlowerThanALoadAndBothPartsEndTogether) {
  int inner = 0;
  for_all([&] {
    const Scenario s = random_machine(*rc::gen::element<std::string>("dram", "nvme", "network"));
    const Medium tier = s.tiers.front().medium;
    const PrefixTimes times(s, Tokens{40});
    const std::int64_t blocks = *rc::gen::inRange(1, 2000);
    const PrefixTimes::Split split = times.split(tier, blocks);
    RC_ASSERT(split.time <= times.load(tier, 0, blocks));
    RC_ASSERT(split.computed >= 0 && split.computed <= blocks);
    if (split.computed == 0 || split.computed == blocks) return;
    ++inner;
    // Of its two neighbours, neither is better.
    for (const std::int64_t other : {split.computed - 1, split.computed + 1}) {
      const Duration tail = times.load(tier, other, blocks);
      const Tokens head{other * kBlock};
      const std::int64_t chunk = s.serving.engine.max_num_batched_tokens.count();
      const std::int64_t steps = (head.count() + chunk - 1) / chunk;
      const Duration computed = s.serving.cost.constant.per_step * steps +
                                s.serving.cost.constant.per_prefill_token * head.count();
      RC_ASSERT(std::max(tail, computed) >= split.time);
    }
  });
  EXPECT_GT(inner, 20);
}

TEST(BreakEven, AStallIsWhatIsNotHidden) {
  for_all([] {
    const Scenario s = random_machine("dram");
    const PrefixTimes times(s, Tokens{40});
    const Duration load = times.load(Medium::dram, 0, 100);
    const Duration stall = times.stall(load, 100);
    RC_ASSERT(stall >= Duration{});
    RC_ASSERT(stall <= load);
    RC_ASSERT(times.stall(load * 2, 100) >= stall);
  });
}

TEST(BreakEven, MoreSharersNeverMakeALoadFaster) {
  for_all([] {
    Scenario s = random_machine(*rc::gen::element<std::string>("dram", "nvme", "network"));
    const Medium tier = s.tiers.front().medium;
    const Duration shared = PrefixTimes(s, Tokens{40}).load(tier, 0, 200);
    s.serving.replicas = 1;
    RC_ASSERT(PrefixTimes(s, Tokens{40}).load(tier, 0, 200) <= shared);
  });
}

}  // namespace
}  // namespace terrace
