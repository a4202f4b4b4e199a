#include "calibrate/labs/real_machine.hpp"

#include <chrono>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "calibrate/labs/engine.hpp"
#include "calibrate/labs/patient_machine.hpp"
#include "kernels/cpu/cpu_set.hpp"
#include "tests/calibrate/disk/temporary_directory.hpp"

namespace terrace::labs {
namespace {

using calibrate::TemporaryDirectory;

Shape tiny(AttentionKind attention) {
  Shape shape;
  shape.layers = 2;
  shape.width = 64;
  shape.attention = attention;
  shape.heads = 4;
  shape.kv_heads = 2;
  shape.head_dim = 16;
  shape.mlp = 96;
  shape.vocabulary = 200;
  shape.page = 8;
  shape.element = kernels::Element::fp32;
  return shape;
}

/// Four people take turns in long conversations that begin alike; so much is said meanwhile that
/// their blocks leave the pool, and then the memory.
std::vector<Conversation> conversations() {
  std::vector<Conversation> all(4);
  std::uint64_t content = 100;
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t t = 0; t < 3; ++t) {
      Turn& turn = all[i].emplace_back();
      if (t == 0) turn.says.push_back({1 + i / 2, Tokens{21}});
      turn.says.push_back({content++, Tokens{10 + 3 * static_cast<std::int64_t>(t + i)}});
      turn.answer = 5;
    }
  }
  return all;
}

/// What the model says without any cache.
std::vector<std::int32_t> oracle(Transformer& model, std::vector<std::int32_t> prompt,
                                 std::int64_t tokens) {
  std::vector<std::int32_t> answer;
  for (; tokens > 0; --tokens) {
    answer.push_back(greedy(model.logits_without_cache(prompt), model.shape().vocabulary).front());
    prompt.push_back(answer.back());
  }
  return answer;
}

class RealMachines : public testing::TestWithParam<AttentionKind> {};

TEST_P(RealMachines, ServeTheSameTokensWhileBlocksGoThroughTheFile) {
  const TemporaryDirectory directory;
  EngineRules rules;
  rules.page = 8;
  rules.blocks = 16;
  rules.max_num_seqs = 2;
  rules.max_num_batched_tokens = 24;
  rules.tiers = {10, 60};
  rules.vocabulary = 200;
  kernels::CpuSet set(1);
  Transformer model(tiny(GetParam()), rules.blocks, set);
  RealMachine real(model, rules.tiers, {directory.path(), 4});
  PatientMachine machine(real);

  const std::vector<Conversation> all = conversations();
  const Served served = Engine(rules, all, machine).run();
  ASSERT_EQ(served.turns.size(), 12U);
  std::vector<std::vector<std::int32_t>> said(all.size());
  for (const ServedTurn& turn : served.turns) {
    auto& prompt = said[turn.conversation];
    for (const Span& text : all[turn.conversation][turn.turn].says) {
      const auto tokens = tokens_of(text, rules.vocabulary);
      prompt.insert(prompt.end(), tokens.begin(), tokens.end());
    }
    EXPECT_EQ(turn.answer, oracle(model, prompt, 5)) << turn.conversation << '.' << turn.turn;
    prompt.insert(prompt.end(), turn.answer.begin(), turn.answer.end());
  }
  for (const TierCounts& tier : served.tiers) {
    EXPECT_GT(tier.read, 5);
    EXPECT_GT(tier.written, 10);
    EXPECT_GT(tier.load_time.count(), 0);
  }
  EXPECT_TRUE(directory.empty());
}

INSTANTIATE_TEST_SUITE_P(Labs, RealMachines,
                         testing::Values(AttentionKind::grouped, AttentionKind::latent));

TEST(LabMachine, WritesNothingBeforeItIsToldTo) {
  const TemporaryDirectory directory;
  kernels::CpuSet set(1);
  Transformer model(tiny(AttentionKind::grouped), 4, set);
  const std::vector<std::int64_t> tiers = {64, 64};
  RealMachine machine(model, tiers, {directory.path(), 4});
  const auto queue = [&](std::int32_t count) {
    for (std::int32_t i = 0; i < count; ++i) machine.queue_write(1, {i, i});
  };
  for (int round = 0; round < 5; ++round) {
    queue(20);
    machine.start_writes(1);
    queue(30);  // while those before them are being written
    EXPECT_EQ(machine.wait().blocks, 20);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_FALSE(machine.arrived().has_value()) << "a group that is only half queued was taken";
    machine.start_writes(1);
    EXPECT_EQ(machine.wait().blocks, 30);
  }
}

TEST(LabMachine, SaysWhatTheFileLacks) {
  kernels::CpuSet set(1);
  Transformer model(tiny(AttentionKind::grouped), 4, set);
  const std::vector<std::int64_t> tiers = {4, 4};
  EXPECT_THROW(RealMachine(model, tiers, {"/no/such/directory", 4}), std::runtime_error);
}

}  // namespace
}  // namespace terrace::labs
