// The lab's engine decides what the simulator says that it decides: on a machine whose moves and
// steps take the simulator's time, both tell the same story, to the picosecond.

#include "calibrate/labs/engine.hpp"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "calibrate/loop/prediction.hpp"
#include "sim/base/random.hpp"
#include "tests/calibrate/labs/fabric_machine.hpp"

namespace terrace {
namespace {

using namespace literals;
using labs::Conversation;
using labs::EngineRules;
using labs::Served;

labs::Shape small_shape() {
  labs::Shape shape;
  shape.layers = 2;
  shape.width = 64;
  shape.heads = 4;
  shape.kv_heads = 1;
  shape.head_dim = 16;
  shape.mlp = 64;
  shape.page = 8;
  return shape;
}

/// Moves of a block, of 1 KiB, take of the order of `pace`, from a file ten times as long.
HardwareSpec machine(Duration pace) {
  HardwareSpec machine;
  const Bandwidth rate{1024.0 / seconds(pace)};
  machine.gpu.name = machine.host.name = "made up";
  machine.gpu.memory = 16_GiB;
  machine.gpu.host_link.h2d = rate;
  machine.gpu.host_link.d2h = rate * 0.7;
  machine.gpu.host_link.latency = pace;
  machine.gpu.host_link.descriptors = {pace / 3, rate, 2_KiB, pace / 3, rate};
  machine.host.dram = 16_GiB;
  machine.host.dram_bandwidth = rate * 100;
  SsdSpec& ssd = machine.ssd.emplace();
  ssd.capacity = 16_GiB;
  ssd.read = {pace * 5, rate, 1 / seconds(pace), rate * 0.4, 2};
  ssd.write = {pace * 7, rate, 1 / seconds(pace), rate * 0.1, 2};
  ssd.io_size = 1_KiB;
  ssd.queue_depth = 4;
  return machine;
}

CostSpec constant_steps() {
  CostSpec cost;
  cost.backend = CostBackend::constant;
  cost.constant = {std::chrono::microseconds(500), std::chrono::microseconds(10),
                   std::chrono::microseconds(10)};
  return cost;
}

/// Conversations of up to four turns, some of which begin alike.
std::vector<Conversation> drawn_conversations(Random random, bool all_at_once) {
  const auto below = [&](std::uint64_t n) { return static_cast<std::int64_t>(random.below(n)); };
  std::vector<Conversation> all;
  std::uint64_t content = 100;
  for (std::int64_t left = 4 + below(24); left > 0; --left) {
    Conversation& conversation = all.emplace_back();
    for (std::int64_t turns = 1 + below(4); turns > 0; --turns) {
      labs::Turn& turn = conversation.emplace_back();
      if (conversation.size() == 1 && below(3) > 0) {
        const std::int64_t which = below(3);
        turn.says.push_back({static_cast<std::uint64_t>(which + 1), Tokens{20 + 17 * which}});
      }
      turn.says.push_back({content++, Tokens{1 + below(60)}});
      turn.answer = 1 + below(20);
      if (!all_at_once) turn.pause = std::chrono::microseconds(below(30000));
    }
  }
  return all;
}

EngineRules drawn_rules(Random random) {
  const auto below = [&](std::uint64_t n) { return static_cast<std::int64_t>(random.below(n)); };
  EngineRules rules;
  rules.page = 8;
  rules.blocks = 52 + below(60);
  rules.max_num_seqs = 1 + below(10);
  rules.max_num_batched_tokens = 8 + below(100);
  rules.tiers = {4 + below(60), 8 + below(200)};
  rules.tiers.resize(random.below(3));
  rules.vocabulary = 1000;
  return rules;
}

std::string text(const labs::ServedStep& s) {
  std::string line =
      fmt::format("{} +{} +{}: {} decodes of {}, {} samples;", s.start.time_since_epoch().count(),
                  (s.loaded - s.start).count(), (s.end - s.loaded).count(), s.decodes,
                  s.decode_context.count(), s.samples);
  for (const PrefillChunk& c : s.chunks) {
    line += fmt::format(" {}+{}", c.prefix.count(), c.fresh.count());
  }
  return line;
}

std::string text(const labs::ServedTurn& t) {
  return fmt::format("{}.{}: {} tokens, {}+{} hit, {} preemptions; {} {} {}", t.conversation,
                     t.turn, t.prompt, t.pool_hits, t.tier_hits, t.preemptions,
                     t.arrived.time_since_epoch().count(), t.first_token.time_since_epoch().count(),
                     t.finished.time_since_epoch().count());
}

std::string text(const labs::TierCounts& c) {
  return fmt::format("{} served, {} read, {} written, {} skipped, {} loads in {}", c.served, c.read,
                     c.written, c.skipped, c.loads, c.load_time.count());
}

std::vector<std::string> story(const Served& served) {
  std::vector<std::string> lines;
  for (const auto& step : served.steps) lines.push_back(text(step));
  for (const auto& turn : served.turns) lines.push_back(text(turn));
  for (const auto& tier : served.tiers) lines.push_back(text(tier));
  lines.push_back(fmt::format("at most {} blocks", served.peak_blocks));
  return lines;
}

/// What happened often enough over all cases to have been tested.
struct Seen {
  std::int64_t preemptions = 0;
  std::int64_t skipped = 0;
  std::vector<std::int64_t> read{0, 0};
  std::vector<std::int64_t> written{0, 0};

  void add(const Served& served) {
    for (const auto& turn : served.turns) preemptions += turn.preemptions;
    for (std::size_t t = 0; t < served.tiers.size(); ++t) {
      skipped += served.tiers[t].skipped;
      read[t] += served.tiers[t].read;
      written[t] += served.tiers[t].written;
    }
  }
};

Seen compare_cases(Duration pace, bool all_at_once) {
  Seen seen;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto conversations = drawn_conversations(Random(seed, "conversations"), all_at_once);
    const EngineRules rules = drawn_rules(Random(seed, "rules"));
    const Scenario scenario =
        calibrate::scenario_of(small_shape(), rules, machine(pace), constant_steps());
    testing::FabricMachine machine(scenario);
    const Served really = labs::Engine(rules, conversations, machine).run();
    const Served predicted = calibrate::simulate(scenario, conversations);
    const auto a = story(really);
    const auto b = story(predicted);
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
      EXPECT_EQ(a[i], b[i]) << "line " << i << " of seed " << seed;
      if (a[i] != b[i]) return seen;
    }
    EXPECT_EQ(a.size(), b.size()) << "seed " << seed;
    seen.add(really);
  }
  return seen;
}

void expect_all_happened(const Seen& seen) {
  EXPECT_GT(seen.preemptions, 20);
  for (std::size_t t = 0; t < 2; ++t) {
    EXPECT_GT(seen.read[t], 100) << t;
    EXPECT_GT(seen.written[t], 500) << t;
  }
}

TEST(LabEngine, DecidesLikeTheSimulatorWhenMovesAreQuick) {
  expect_all_happened(compare_cases(std::chrono::microseconds(1), true));
}

TEST(LabEngine, DecidesLikeTheSimulatorWhenMovesAreSlow) {
  const Seen seen = compare_cases(std::chrono::microseconds(80), false);
  expect_all_happened(seen);
  EXPECT_GT(seen.skipped, 50) << "writes never got in each other's way";
}

TEST(LabEngine, SaysWhatCannotRun) {
  const std::vector<Conversation> conversations{{{{{1, Tokens{100}}}, 30, {}}}};
  EngineRules rules;
  rules.page = 8;
  rules.blocks = 16;
  const Scenario scenario = calibrate::scenario_of(
      small_shape(), rules, machine(std::chrono::microseconds(1)), constant_steps());
  testing::FabricMachine machine(scenario);
  labs::Engine engine(rules, conversations, machine);
  try {
    engine.run();
    ADD_FAILURE() << "nobody objected";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(),
                 "a prompt of 100 tokens and an answer of 30 need more than the 16 blocks that "
                 "there are: give the pool more blocks");
  }
}

}  // namespace
}  // namespace terrace
