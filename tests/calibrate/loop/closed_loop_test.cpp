// The closed loop on a clock of its own: a machine of simulated time whose steps and moves follow
// known laws is calibrated, serves, and is predicted.

#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "calibrate/loop/comparison.hpp"
#include "calibrate/loop/move_laws.hpp"
#include "calibrate/loop/prediction.hpp"
#include "calibrate/loop/step_grid.hpp"
#include "calibrate/loop/workloads.hpp"
#include "sim/scenario/cost_spec.hpp"
#include "tests/calibrate/disk/temporary_directory.hpp"
#include "tests/calibrate/labs/fabric_machine.hpp"

namespace terrace::calibrate {
namespace {

using namespace literals;

Duration us(double microseconds) { return duration_from_seconds(microseconds * 1e-6); }

/// Steps of a made-up model: products and the rest in proportion to tokens, attention to pairs.
TimedStep made_up(const labs::Shape& shape, const StepShape& step) {
  double tokens = 0;
  double pairs = 0;
  double sequences = 0;
  for (const auto& [fresh, before] : step) {
    const auto n = static_cast<double>(fresh);
    tokens += n;
    pairs += n * static_cast<double>(before);
    ++sequences;
  }
  // The LM head sees one row of each sequence, as large as its part of the weights.
  const auto embedding = static_cast<double>(shape.vocabulary * shape.width);
  const double head = embedding / (static_cast<double>(shape.parameters()) - embedding);
  TimedStep timed;
  timed.model.gemm = us(1000 * (tokens * (1 - head) + sequences * head));
  timed.model.attention = us(pairs);
  timed.model.total = timed.model.gemm + timed.model.attention + us(50 * tokens);
  timed.all = timed.model.total + us(20 * sequences);
  return timed;
}

labs::Shape small_shape() {
  labs::Shape shape;
  shape.layers = 2;
  shape.width = 64;
  shape.heads = shape.kv_heads = 4;
  shape.head_dim = 16;
  shape.mlp = 96;
  shape.vocabulary = 200;
  return shape;
}

class LabLoop : public ::testing::Test {
 protected:
  LabLoop() {
    StepGridSpec spec;
    spec.passes = 1;
    grid_ = measure_steps([this](const StepShape& step) { return made_up(shape_, step); }, shape_,
                          spec, [](double) {});
    write_layer_profile(grid_, shape_, directory_.path(), "made_up");
    cost_.backend = CostBackend::layers;
    cost_.profile = (directory_.path() / "made_up").string();
  }

  [[nodiscard]] static HardwareSpec any_machine() {
    const MoveTimes times = {{1, us(10)}, {64, us(640)}};
    return machine_of({times, times, times, times}, 4_KiB, 32);
  }

  [[nodiscard]] std::unique_ptr<CostModel> cost_model() const {
    return make_cost_model(scenario_of(shape_, {}, any_machine(), cost_));
  }

  TemporaryDirectory directory_;
  labs::Shape shape_ = small_shape();
  StepGrid grid_;
  CostSpec cost_;
};

TEST_F(LabLoop, PricesTheStepsThatWereMeasured) {
  const auto model = cost_model();
  const auto expect = [&](const Batch& batch, const StepShape& step) {
    const double measured = seconds(made_up(shape_, step).all);
    EXPECT_NEAR(seconds(model->time(batch)), measured, 1e-3 * measured);
  };
  const PrefillChunk chunk{Tokens{64}, Tokens{512}};
  expect({.prefills = {&chunk, 1}, .samples = 1}, {{64, 512}});
  expect({.decodes = 3,
          .decode_context = Tokens{3 * 257},
          .decode_longest = Tokens{257},
          .samples = 3},
         {{1, 256}, {1, 256}, {1, 256}});
  // Between measured points, and of both kinds at once.
  expect({.decodes = 5,
          .decode_context = Tokens{5 * 301},
          .decode_longest = Tokens{301},
          .samples = 5},
         {{1, 300}, {1, 300}, {1, 300}, {1, 300}, {1, 300}});
  expect({.decodes = 2,
          .decode_context = Tokens{2 * 101},
          .decode_longest = Tokens{101},
          .prefills = {&chunk, 1},
          .samples = 3},
         {{1, 100}, {1, 100}, {64, 512}});
}

TEST_F(LabLoop, MeasuresNothingInVain) {
  std::set<StepShape> prompts;
  StepGridSpec spec;
  spec.passes = 1;
  const auto run = [&](const StepShape& step) {
    if (step.size() == 1 && step.front().first > 1) prompts.insert(step);
    return made_up(shape_, step);
  };
  measure_steps(run, shape_, spec, [](double) {});
  for (const StepShape& step : prompts) {
    const bool for_attention = grid_.prefill.contains(step.front());
    const bool for_products = !grid_.head.contains(step.front().first);
    EXPECT_TRUE(for_attention || for_products) << step.front().first;
  }
}

TEST_F(LabLoop, TakesEveryOperationFromTheProfile) {
  const auto model = cost_model();
  const PrefillChunk chunk{Tokens{64}, Tokens{0}};
  static_cast<void>(model->time({.prefills = {&chunk, 1}, .samples = 1}));
  EXPECT_EQ(model->caveats().size(), 1U) << "something was not in the profile";
  labs::Shape latent = shape_;
  latent.attention = labs::AttentionKind::latent;
  write_layer_profile(grid_, latent, directory_.path(), "made_up");
  const auto other = make_cost_model(scenario_of(latent, {}, any_machine(), cost_));
  static_cast<void>(other->time({.prefills = {&chunk, 1}, .samples = 1}));
  EXPECT_EQ(other->caveats().size(), 1U) << "something was not in the profile";
}

/// What a machine with these laws is measured to be.
MeasuredMoves moves_of(const Scenario& scenario) {
  terrace::testing::FabricMachine machine(scenario);
  return measure_moves(machine, 128, 128, 3, 1, [] {});
}

TEST_F(LabLoop, FindsTheLawsOfMoves) {
  labs::EngineRules rules;
  rules.tiers = {128, 128};
  HardwareSpec truth = any_machine();
  truth.ssd->read = {us(80), Bandwidth{1e9}, 1e12, Bandwidth{0.6e9}, 3};
  truth.ssd->write = {us(30), Bandwidth{1e9}, 1e12, Bandwidth{0.3e9}, 2};
  truth.host.dram_bandwidth = Bandwidth{1e15};
  truth.gpu.host_link.h2d = Bandwidth{4e9};
  truth.gpu.host_link.d2h = Bandwidth{3e9};
  const Bytes block = shape_.block_bytes();
  truth.ssd->io_size = block;
  const Scenario scenario = scenario_of(shape_, rules, truth, cost_);
  const MeasuredMoves moves = moves_of(scenario);
  EXPECT_NEAR(copy_law(moves.from_memory, block).rate.count(), 4e9, 4e7);
  EXPECT_NEAR(copy_law(moves.to_memory, block).rate.count(), 3e9, 3e7);
  HardwareSpec found = machine_of(moves, block, 32);
  const MeasuredMoves again = moves_of(scenario_of(shape_, rules, found, cost_));
  for (const auto& [blocks, time] : moves.from_file) {
    EXPECT_NEAR(seconds(again.from_file.at(blocks)), seconds(time), 0.12 * seconds(time)) << blocks;
  }
  for (const auto& [blocks, time] : moves.to_file) {
    EXPECT_NEAR(seconds(again.to_file.at(blocks)), seconds(time), 0.12 * seconds(time)) << blocks;
  }
}

TEST(LoopWorkloads, AreFourteenOfWhichHalfGoThroughTheFile) {
  const auto all = loop_workloads(1, false, std::chrono::milliseconds(100), 500);
  EXPECT_EQ(all.size(), 14U);
  const HardwareSpec machine = [] {
    const MoveTimes times = {{1, us(10)}, {64, us(640)}};
    return machine_of({times, times, times, times}, 4_KiB, 32);
  }();
  CostSpec cost;
  cost.backend = CostBackend::constant;
  cost.constant = {us(1000), us(400), us(400)};
  std::size_t evicting = 0;
  for (const LoopWorkload& w : all) {
    const Scenario scenario = scenario_of(small_shape(), w.rules, machine, cost);
    const labs::Served served = simulate(scenario, w.conversations);
    std::int64_t longest = 0;
    for (const labs::ServedTurn& t : served.turns) longest = std::max(longest, t.prompt + t.tokens);
    EXPECT_LE(longest, kLoopBounds.longest) << w.name;
    EXPECT_LE(w.rules.blocks, kLoopBounds.most_blocks) << w.name;
    EXPECT_LE(w.rules.max_num_seqs, kLoopBounds.most_sequences) << w.name;
    EXPECT_LE(w.rules.max_num_batched_tokens, kLoopBounds.most_tokens) << w.name;
    if (!w.evicts) continue;
    ++evicting;
    ASSERT_EQ(served.tiers.size(), 2U) << w.name;
    EXPECT_GT(served.tiers[1].written, 20) << w.name;
    EXPECT_GT(served.tiers[1].read, 5) << w.name;
  }
  EXPECT_EQ(evicting, 7U);
  EXPECT_EQ(loop_workloads(1, true, {}, 500).size(), 7U);
}

TEST(LoopWorkloads, KeepTheirBoundsWhateverTheSeed) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    for (const LoopWorkload& w : loop_workloads(seed, false, {}, 500)) {
      for (const labs::Conversation& conversation : w.conversations) {
        std::int64_t length = 0;
        for (const labs::Turn& turn : conversation) {
          for (const Span& text : turn.says) length += text.tokens.count();
          length += turn.answer;
        }
        EXPECT_LE(length, kLoopBounds.longest) << w.name << ", seed " << seed;
      }
    }
  }
}

TEST(LoopWorkloads, SayTheSameWithLittleMemory) {
  std::map<std::string, LoopWorkload> all;
  for (LoopWorkload& w : loop_workloads(7, false, std::chrono::seconds(1), 500)) {
    all.emplace(w.name, std::move(w));
  }
  const LoopWorkload& much = all.at("evict-chat");
  const LoopWorkload& little = all.at("evict-little-memory");
  EXPECT_EQ(little.rules.tiers[0] * 3, much.rules.tiers[0]);
  ASSERT_EQ(little.conversations.size(), much.conversations.size());
  for (std::size_t i = 0; i < much.conversations.size(); ++i) {
    ASSERT_EQ(little.conversations[i].size(), much.conversations[i].size());
    for (std::size_t t = 0; t < much.conversations[i].size(); ++t) {
      EXPECT_EQ(little.conversations[i][t].says[0].tokens, much.conversations[i][t].says[0].tokens);
    }
  }
}

TEST(LoopComparison, SaysWhatIsOffAndByHowMuch) {
  Quantities run{};
  Quantities predicted{};
  run[0] = 2.0;
  predicted[0] = 2.2;
  run[5] = 1.0;        // file_load: not predicted
  predicted[4] = 0.5;  // memory_load: not measured
  predicted[8] = 7.0;
  run[8] = 8.0;
  Quantities slower = run;
  slower[0] = 2.1;
  Quantities faster = run;
  faster[0] = 1.8;
  const auto compared = compare({slower, run, faster}, predicted);
  ASSERT_EQ(compared.size(), 4U);
  EXPECT_DOUBLE_EQ(compared[0].measured, 2.0);
  EXPECT_NEAR(compared[0].error(), 0.1, 1e-12);
  EXPECT_NEAR(compared[0].spread, 0.15, 1e-12);
  EXPECT_EQ(compared[1].quantity, 4U);
  EXPECT_EQ(compared[1].error(), 1);
  EXPECT_EQ(compared[2].quantity, 5U);
  EXPECT_EQ(compared[2].error(), -1);
  EXPECT_EQ(compared[3].quantity, 8U);

  std::vector<ComparedWorkload> workloads(3);
  const std::vector<double> errors = {0.1, -0.2, 0.3};
  for (std::size_t i = 0; i < 3; ++i) workloads[i].quantities = {{1, 1.0, 0.05, 1 + errors[i]}};
  const auto all = summarise(workloads);
  const ErrorSummary& judged = all.back();
  EXPECT_EQ(judged.name, "steps_and_loads");
  EXPECT_EQ(judged.count, 3U);
  EXPECT_NEAR(judged.median, 0.2, 1e-12);
  EXPECT_NEAR(judged.p90, 0.28, 1e-12);
  EXPECT_NEAR(judged.most, 0.3, 1e-12);
  EXPECT_NEAR(judged.bias, 0.2 / 3, 1e-12);
  EXPECT_NEAR(judged.spread, 0.05, 1e-12);
}

}  // namespace
}  // namespace terrace::calibrate
