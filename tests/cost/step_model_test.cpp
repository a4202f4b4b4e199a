// A step as the sum of its kernels, each worked by hand; the kernels are fakes.

#include "sim/cost/step_model.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/cost/execution.hpp"
#include "tests/cost/fake_kernels.hpp"

namespace terrace {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Pair;
using namespace tests;

ModelSpec model_of(std::vector<LayerGroup> layers) {
  ModelSpec model;
  model.hidden = 8;
  model.vocabulary = 20;
  model.layers = std::move(layers);
  return model;
}

// One layer of these for t tokens, by hand. Attention: products 16x8 and 8x8, norm 16, rotation
// 12. MLP: products 12x8 and 8x6, norm 16, activation 6.
const FullAttention kHeads{4, 2, 2};
const DenseMlp kMlp{6, true};
std::int64_t attention_layer(std::int64_t t) { return (16 + 8) + (8 + 8 + 16 + 12) * t; }
std::int64_t mlp_layer(std::int64_t t) { return (12 + 8) + (8 + 6 + 16 + 6) * t; }
std::int64_t layer(std::int64_t t) { return attention_layer(t) + mlp_layer(t); }
std::int64_t ends(std::int64_t t) { return (8 + 8) * t; }               // embedding, last norm
std::int64_t head(std::int64_t s) { return s == 0 ? 0 : 20 + 28 * s; }  // LM head, sampler

/// A cost model, and what its kernels are asked for.
struct Bench {
  Bench(const ModelSpec& model, const StepSpec& spec) {
    auto fake = std::make_unique<FakeKernels>(asked);
    kernels = fake.get();
    cost = make_step_model(model, spec, std::move(fake));
  }

  std::int64_t time(const Batch& batch) const { return cost->time(batch).count(); }
  std::int64_t time(const std::vector<Batch>& ranks) const {
    return cost->step(ranks).time.count();
  }

  std::shared_ptr<Asked> asked = std::make_shared<Asked>();
  FakeKernels* kernels = nullptr;
  std::unique_ptr<CostModel> cost;
};

Batch decoding(std::int64_t n, std::int64_t context, std::int64_t longest) {
  return {.decodes = n,
          .decode_context = Tokens{context},
          .decode_longest = Tokens{longest},
          .samples = n};
}

std::int64_t decode_attention(std::int64_t n, std::int64_t context, std::int64_t longest) {
  return kDecode * n + context + 3 * longest;
}

TEST(StepModel, DenseByHand) {
  const Bench bench(model_of({{3, kHeads, kMlp}}), {});
  EXPECT_EQ(bench.time(decoding(2, 14, 9)),
            ends(2) + 3 * layer(2) + head(2) + 3 * decode_attention(2, 14, 9));

  // Two chunks, one of which completes its prompt, along with the decodes.
  const std::array chunks{PrefillChunk{Tokens{4}, Tokens{10}}, PrefillChunk{Tokens{3}, Tokens{0}}};
  Batch mixed = decoding(2, 14, 9);
  mixed.prefills = chunks;
  mixed.samples = 3;
  const std::int64_t pairs = (4 * 10 + 10) + 6;
  EXPECT_EQ(bench.time(mixed),
            ends(9) + 3 * layer(9) + head(3) + 3 * (decode_attention(2, 14, 9) + pairs + 5 * 10));
  // A chunk that completes nothing samples nothing.
  const std::array one{PrefillChunk{Tokens{5}, Tokens{0}}};
  EXPECT_EQ(bench.time(Batch{.prefills = one}), ends(5) + 3 * layer(5) + 3 * 15);
  EXPECT_THAT(bench.cost->caveats(), ElementsAre("a fake"));
}

TEST(StepModel, WeightsHaveTheModelsTypeAndTheHeadItsOwn) {
  ModelSpec model = model_of({{3, kHeads, kMlp}});
  model.weight_dtype = DType::fp8;
  const Bench bench(model, {});
  bench.time(decoding(1, 1, 1));
  ASSERT_EQ(bench.asked->products.size(), 5U);
  for (const auto& asked : bench.asked->products) {
    EXPECT_EQ(asked.weights, asked.product.op == Op::lm_head ? DType::bf16 : DType::fp8);
  }
}

TEST(StepModel, ShardedByHand) {
  // Halves of heads and width: products 8x8, 8x4, 6x8, 8x3; rotation 6, activation 3.
  const Bench bench(model_of({{3, kHeads, kMlp}}),
                    {.parallel = {.tensor = 2}, .captured = {1, 2, 3, 4}});
  const std::int64_t t = 3;
  const std::int64_t one = (8 + 8 + 6 + 8) + (8 + 4 + 8 + 3 + 16 + 6 + 16 + 3) * t;
  const std::int64_t reduce = kMessage + 2 * (t * 8 * 2);
  const std::int64_t logits = kMessage + 2 * (20 * t * 2);
  EXPECT_EQ(bench.time(decoding(t, 30, 10)), ends(t) + 3 * (one + 2 * reduce) +
                                                 (10 + 8 * t + 10 * t) + logits +
                                                 3 * decode_attention(t, 30, 10));
  EXPECT_EQ(bench.asked->attention.back().kernel.heads, 2);
  EXPECT_EQ(bench.asked->attention.back().kernel.kv_heads, 1);
}

TEST(StepModel, EagerAllReduceIsAddedBeyondTheGraphs) {
  const ModelSpec model = model_of({{3, kHeads, kMlp}});
  const auto surplus = [&](std::vector<std::int64_t> captured, std::int64_t t) {
    StepSpec spec{.parallel = {.tensor = 2}, .captured = std::move(captured)};
    const Bench without(model, spec);
    spec.eager_all_reduce = Duration{7};
    return Bench(model, spec).time(decoding(t, t, 1)) - without.time(decoding(t, t, 1));
  };
  EXPECT_EQ(surplus({1, 2, 4}, 4), 0);
  EXPECT_EQ(surplus({1, 2, 4}, 3), 0);
  EXPECT_EQ(surplus({1, 2, 4}, 5), 2 * 3 * 7);
  EXPECT_EQ(surplus({}, 1), 2 * 3 * 7);
}

TEST(StepModel, BatchesArePaddedToCapturedSizes) {
  const ModelSpec model = model_of({{3, kHeads, kMlp}});
  const Bench bench(model, {.captured = capture_sizes(16)});  // 1, 2, 4, 8, 16
  const auto padded = [&](std::int64_t n) {
    const std::int64_t rest = head(n) + 3 * decode_attention(n, 2 * n, 2);
    const std::int64_t dense = bench.time(decoding(n, 2 * n, 2)) - rest;
    for (std::int64_t t = 1; t < 100; ++t) {
      if (ends(t) + 3 * layer(t) == dense) return t;
    }
    return std::int64_t{-1};
  };
  EXPECT_EQ(padded(1), 1);
  EXPECT_EQ(padded(3), 4);
  EXPECT_EQ(padded(5), 8);
  EXPECT_EQ(padded(8), 8);
  EXPECT_EQ(padded(9), 16);
  EXPECT_EQ(padded(16), 16);
  EXPECT_EQ(padded(17), 17);
  EXPECT_EQ(padded(31), 31);
}

TEST(StepModel, OverheadsAreThoseOfTheStep) {
  const ModelSpec model = model_of({{3, kHeads, kMlp}, {2, kHeads, NoMlp{}}});
  const Bench bare(model, {});
  const Bench slow(model, {.overhead = Duration{1000}, .prompt_layer_overhead = Duration{10}});
  const std::array chunk{PrefillChunk{Tokens{4}, Tokens{10}}};
  Batch mixed = decoding(2, 14, 9);
  mixed.prefills = chunk;
  const Batch prompt{.prefills = chunk};
  const Batch decodes = decoding(2, 14, 9);
  EXPECT_EQ(slow.time(decodes) - bare.time(decodes), 1000);
  EXPECT_EQ(slow.time(mixed) - bare.time(mixed), 1000 + 5 * 10);
  EXPECT_EQ(slow.time(prompt) - bare.time(prompt), 1000 + 5 * 10);
  // Once for all ranks, if any has a prompt.
  EXPECT_EQ(slow.time({decodes, prompt, mixed}) - bare.time({decodes, prompt, mixed}), 1050);
}

// Experts.

const MoeMlp kExperts{8, 2, 6, true, 1};

std::int64_t moe_layer(std::int64_t t) {  // router 8x8, shared expert 12x8 and 8x6
  return (8 + 12 + 8) + (8 + 8 + 6 + 16 + 6) * t;
}

TEST(StepModel, ExpertsByHand) {
  const Bench bench(model_of({{1, kHeads, kMlp}, {3, kHeads, kExperts}}), {});
  EXPECT_EQ(bench.time(decoding(2, 14, 9)), ends(2) + layer(2) +
                                                3 * (attention_layer(2) + moe_layer(2) + 1000 * 2) +
                                                head(2) + 4 * decode_attention(2, 14, 9));
  ASSERT_EQ(bench.asked->experts.size(), 1U);
  const auto& [work, routed] = bench.asked->experts.front();
  EXPECT_EQ(work.local, 8);
  EXPECT_EQ(work.width, 6);
  EXPECT_EQ(routed.tokens, 2);
  EXPECT_EQ(routed.pairs, 4);
  EXPECT_NEAR(routed.touched, 8 * (1 - 0.75 * 0.75), 1e-12);
}

TEST(StepModel, ExpertsAreCutOrWhole) {
  const ModelSpec model = model_of({{3, kHeads, kExperts}});
  const Bench cut(model, {.parallel = {.tensor = 2}});
  cut.time(decoding(2, 14, 9));
  EXPECT_EQ(cut.asked->experts.front().work.width, 3);
  EXPECT_EQ(cut.asked->experts.front().work.local, 8);
  EXPECT_EQ(cut.asked->experts.front().routed.pairs, 4);

  // On two GPUs of one engine the all-reduce does the exchange.
  const Bench whole(model, {.parallel = {.tensor = 2, .expert = 2}});
  whole.time(decoding(2, 14, 9));
  EXPECT_EQ(whole.asked->experts.front().work.width, 6);
  EXPECT_EQ(whole.asked->experts.front().work.local, 4);
  EXPECT_EQ(whole.asked->experts.front().routed.pairs, 2);
  EXPECT_NEAR(whole.asked->experts.front().routed.touched, 4 * (1 - 0.75 * 0.75), 1e-12);
  EXPECT_EQ(whole.asked->collectives, cut.asked->collectives);
}

TEST(StepModel, SkewTouchesFewerExperts) {
  const ModelSpec model = model_of({{3, kHeads, kExperts}});
  const Bench alike(model, {});
  const Bench skewed(model, {.routing_skew = 2});
  alike.time(decoding(3, 14, 9));
  skewed.time(decoding(3, 14, 9));
  EXPECT_LT(skewed.asked->experts.front().routed.touched,
            alike.asked->experts.front().routed.touched);
  EXPECT_EQ(skewed.asked->experts.front().routed.pairs, 6);
}

TEST(StepModel, RanksThatShareExpertsStepTogether) {
  // The slowest rank, the experts of all tokens, and an exchange as large as the largest rank's.
  const Bench bench(model_of({{3, kHeads, kExperts}}), {.parallel = {.expert = 3}});
  const auto own = [](std::int64_t n, std::int64_t context, std::int64_t longest) {
    return ends(n) + 3 * (attention_layer(n) + moe_layer(n)) + head(n) +
           3 * decode_attention(n, context, longest);
  };
  const auto exchange = [](std::int64_t most, std::int64_t ranks) {
    return 3 * 2 * (kMessage + 3 * (ranks * most * 8 * 2));
  };
  const Batch small = decoding(2, 900, 800);
  const Batch large = decoding(5, 14, 9);
  EXPECT_EQ(bench.time({small, large, Batch{}}), own(5, 14, 9) + 3 * 1000 * 7 + exchange(5, 3));
  // The one with fewer tokens may be the slowest.
  const std::array chunk{PrefillChunk{Tokens{1}, Tokens{10'000'000}}};
  const Batch far{.prefills = chunk};
  EXPECT_EQ(bench.time({far, large, large}), ends(1) + 3 * (attention_layer(1) + moe_layer(1)) +
                                                 3 * (10'000'001 + 50'000'000) + 3 * 1000 * 11 +
                                                 exchange(5, 3));
  EXPECT_EQ(bench.time({Batch{}, large, Batch{}}), own(5, 14, 9) + 3 * 1000 * 5 + exchange(5, 3));
  EXPECT_THAT(bench.asked->collectives,
              Contains(Asked::OfCollective{Collective::all_gather, Bytes{3 * 5 * 16}, 3}));
  EXPECT_THAT(bench.asked->collectives,
              Contains(Asked::OfCollective{Collective::reduce_scatter, Bytes{3 * 5 * 16}, 3}));
  const auto& routed = bench.asked->experts.front().routed;
  EXPECT_EQ(routed.tokens, 7);
  EXPECT_NEAR(routed.pairs, 2 * 7 * 3.0 / 8, 1e-12);  // three of eight, rounded up
}

TEST(StepModel, RanksArePaddedBeforeTheyAreSummed) {
  const Bench bench(model_of({{3, kHeads, kExperts}}),
                    {.parallel = {.expert = 2}, .captured = {1, 2, 4, 8}});
  bench.time({decoding(3, 6, 2), decoding(5, 10, 2)});
  EXPECT_EQ(bench.asked->experts.front().routed.tokens, 4 + 8);
  EXPECT_EQ(bench.asked->collectives.front().bytes, Bytes{2 * 8 * 16});
}

// Other kinds of attention.

TEST(StepModel, LatentAttentionByHand) {
  // Not factorised: 24x8; down 10x8; absorbed 8x4 and 4x8 of each head; out 8x16.
  const Bench bench(model_of({{3, LatentAttention{4, 0, 8, 2, 4, 4}, kMlp}}), {});
  const std::int64_t t = 2;
  const std::int64_t one =
      (24 + 10 + 4 * 8 + 4 * 4 + 8) + (8 + 8 + 4 + 8 + 16) * t + (16 + 10 + 24) * t;
  EXPECT_EQ(bench.time(decoding(t, 14, 9)),
            ends(t) + 3 * (one + mlp_layer(t)) + head(t) + 3 * decode_attention(t, 14, 9));
  const AttentionKernel& kernel = bench.asked->attention.back().kernel;
  EXPECT_EQ(kernel.latent, 8);
  EXPECT_EQ(kernel.rope, 2);
  EXPECT_EQ(kernel.head_dim, 6);
  EXPECT_EQ(kernel.value_dim, 4);
}

TEST(StepModel, BoundedSumsReachTheirLayers) {
  const SlidingAttention window{kHeads, Tokens{4}};
  const ChunkedAttention chunked{kHeads, Tokens{6}};
  const ModelSpec model = model_of({{1, window, kMlp}, {2, kHeads, kMlp}, {5, chunked, kMlp}});
  const Bench bench(model, {});
  ASSERT_EQ(bounded_reaches(model).size(), 2U);
  const std::array sums{Tokens{7}, Tokens{8}};
  const std::array chunks{PrefillChunk{Tokens{3}, Tokens{5}}};
  Batch batch = decoding(2, 14, 9);
  batch.decode_bounded = sums;
  batch.prefills = chunks;
  // Pairs: 4 each; 6 + 7 + 8; 6 and then 1 + 2 of the next chunk, whose prefix met is 5.
  const std::int64_t attention = (decode_attention(2, 7, 4) + 12 + 5 * 3) +
                                 2 * (decode_attention(2, 14, 9) + 21 + 5 * 5) +
                                 5 * (decode_attention(2, 8, 6) + 9 + 5 * 5);
  EXPECT_EQ(bench.time(batch), ends(5) + 8 * layer(5) + head(2) + attention);
}

TEST(StepModel, AWindowIsNoLongerThanTheLongest) {
  const Bench bench(model_of({{1, SlidingAttention{kHeads, Tokens{100}}, kMlp}}), {});
  const std::array sums{Tokens{14}};
  Batch batch = decoding(2, 14, 9);
  batch.decode_bounded = sums;
  bench.time(batch);
  EXPECT_EQ(bench.asked->attention.back().longest, Tokens{9});
}

TEST(StepModel, SparseAttentionAsksItsIndexForAll) {
  SparseLatentAttention sparse;
  static_cast<LatentAttention&>(sparse) = {4, 0, 8, 2, 4, 4};
  sparse.top_k = Tokens{3};
  sparse.index_heads = 2;
  sparse.index_dim = 4;
  const Bench bench(model_of({{1, sparse, kMlp}}), {});
  const std::array sums{Tokens{6}};
  Batch batch = decoding(2, 14, 9);
  batch.decode_bounded = sums;
  bench.time(batch);
  ASSERT_EQ(bench.asked->attention.size(), 2U);
  EXPECT_EQ(bench.asked->attention[0].context, Tokens{6});
  EXPECT_EQ(bench.asked->attention[0].longest, Tokens{3});
  EXPECT_EQ(bench.asked->attention[1].context, Tokens{14});
  EXPECT_EQ(bench.asked->attention[1].longest, Tokens{9});
  EXPECT_EQ(bench.asked->attention[1].kernel.heads, 2);
}

ModelSpec encoder_decoder() {
  ModelSpec model = model_of({{2, kHeads, NoMlp{}}, {2, CrossAttention{kHeads}, kMlp}});
  model.encoder = EncoderSpec{Tokens{6}, {{3, kHeads, kMlp}}};
  return model;
}

/// Three layers of six tokens, all of which see all; and the keys and values of two layers.
std::int64_t encoding() {
  const std::int64_t pairs = 6 * 3 + 21;
  return 3 * (layer(6) + pairs + 5 * 3) + 2 * (8 + 8 * 6);
}

std::int64_t decoder_layers(std::int64_t t) {
  // Cross-attention has queries alone, 8x8, and no rotation.
  return 2 * attention_layer(t) + 2 * ((8 + 8) + (8 + 8 + 16) * t + mlp_layer(t));
}

TEST(StepModel, AnEncoderIsPaidOnceForAnInput) {
  const Bench bench(encoder_decoder(), {});
  const std::array first{PrefillChunk{Tokens{4}, Tokens{0}}};
  EXPECT_EQ(bench.time(Batch{.prefills = first}),
            ends(4) + decoder_layers(4) + 2 * 10 + 2 * (4 * 6 + 5 * 6) + encoding());
  const std::array second{PrefillChunk{Tokens{4}, Tokens{4}}};
  EXPECT_EQ(bench.time(Batch{.prefills = second}),
            ends(4) + decoder_layers(4) + 2 * (16 + 10 + 5 * 4) + 2 * (4 * 6 + 5 * 6));
  const std::array both{first[0], second[0], first[0]};
  EXPECT_EQ(bench.time(Batch{.prefills = both}),
            ends(12) + decoder_layers(12) + 2 * (2 * 10 + 46) + 2 * 3 * 54 + 2 * encoding());
}

TEST(StepModel, AnEncoderIsPaidInAPipelineToo) {
  const Bench bench(encoder_decoder(), {.parallel = {.pipeline = 2}});
  const std::array fresh{PrefillChunk{Tokens{40}, Tokens{0}}};
  const std::array later{PrefillChunk{Tokens{40}, Tokens{1}}};
  EXPECT_GT(bench.time(Batch{.prefills = fresh}),
            bench.time(Batch{.prefills = later}) + encoding() - 2 * 20 * 10);
}

TEST(StepModel, DecodesSeeAllOfTheEncodersOutput) {
  const Bench bench(encoder_decoder(), {});
  const std::array sums{Tokens{2 * 6}};
  Batch batch = decoding(2, 5, 3);  // shorter than what was encoded
  batch.decode_bounded = sums;
  EXPECT_EQ(bench.time(batch), ends(2) + decoder_layers(2) + head(2) +
                                   2 * decode_attention(2, 5, 3) + 2 * decode_attention(2, 12, 6));
}

TEST(StepModel, StatesAreReadAndWrittenOncePerSequence) {
  const Bench bench(model_of({{2, LinearAttention{4, 2, 3, 5}, kMlp}, {1, kHeads, kMlp}}), {});
  const std::array chunks{PrefillChunk{Tokens{7}, Tokens{0}}};
  Batch batch = decoding(2, 14, 9);
  batch.prefills = chunks;
  bench.time(batch);
  // 4 heads x 3 x 5 fp32 elements, read and written as elements of two bytes.
  const auto& last = bench.asked->pointwise;
  const auto states = std::find_if(last.begin(), last.end(), [](const auto& asked) {
    return asked.kernel.op == Op::scan && asked.tokens == 3;
  });
  ASSERT_NE(states, last.end());
  EXPECT_EQ(states->kernel.elements, 2 * 4 * 60 / 2);

  // In: keys 2x2x3, values and gate 2x4x5; out 8x20; scan 12 + 40, norm 16, gate 20.
  const std::int64_t one = (52 + 8) + (8 + 20 + 16 + 52 + 20) * 9;
  EXPECT_EQ(bench.time(batch), ends(9) + 2 * (one + mlp_layer(9)) + layer(9) + head(2) +
                                   decode_attention(2, 14, 9) + 28 + 2 * 240 * 3);
}

// Pipelines.

std::int64_t sends(std::int64_t stages, std::int64_t t) {
  return stages * (kMessage + 2 * (t * 8 * 2));
}

TEST(StepModel, APipelinePassesABatchInParts) {
  const Bench bench(model_of({{4, kHeads, kMlp}}), {.parallel = {.pipeline = 2}});
  // Ten sequences in two parts of five; each stage has half of the layers.
  EXPECT_EQ(bench.time(decoding(10, 100, 12)),
            ends(5) + 4 * layer(5) + sends(2, 5) + 2 * head(5) + 4 * decode_attention(5, 50, 12));
  // An odd number is rounded up.
  EXPECT_EQ(bench.time(decoding(3, 30, 12)),
            ends(2) + 4 * layer(2) + sends(2, 2) + 2 * head(2) + 4 * decode_attention(2, 20, 12));
  const std::array chunk{PrefillChunk{Tokens{8}, Tokens{10}}};
  EXPECT_EQ(bench.time(Batch{.prefills = chunk}),
            ends(4) + 4 * layer(4) + sends(2, 4) + 4 * (4 * 12 + 10 + 5 * 12));
}

TEST(StepModel, FewSequencesLeaveStagesIdle) {
  // One sequence is never cut: it passes all stages with all of its context, and is sampled once.
  const Bench bench(model_of({{4, kHeads, kMlp}}), {.parallel = {.pipeline = 4}});
  EXPECT_EQ(bench.time(decoding(1, 1000, 1000)),
            ends(1) + 4 * layer(1) + sends(4, 1) + head(1) + 4 * decode_attention(1, 1000, 1000));
  EXPECT_EQ(bench.time(decoding(2, 2000, 1000)), bench.time(decoding(1, 1000, 1000)) + head(1));
}

TEST(StepModel, PartsOfBoundedSumsAreThoseOfTheirSequences) {
  const Bench bench(model_of({{2, SlidingAttention{kHeads, Tokens{4}}, kMlp}}),
                    {.parallel = {.pipeline = 2}});
  const std::array sums{Tokens{16}};
  Batch batch = decoding(4, 400, 100);
  batch.decode_bounded = sums;
  bench.time(batch);
  EXPECT_EQ(bench.asked->attention.back().decodes, 2);
  EXPECT_EQ(bench.asked->attention.back().context, Tokens{8});
  const std::array alone{Tokens{4}};
  Batch one = decoding(1, 100, 100);
  one.decode_bounded = alone;
  bench.time(one);
  EXPECT_EQ(bench.asked->attention.back().context, Tokens{4});
}

// What holds of all.

TEST(StepModel, ExtrapolationOfAnyKernelIsTold) {
  for (const Op op : {Op::qkv_proj, Op::down_proj, Op::rotary_emb, Op::embedding}) {
    const Bench bench(model_of({{3, kHeads, kMlp}}), {});
    bench.kernels->extrapolated = op;
    bench.kernels->extrapolated_from = 10;
    const auto extrapolated = [&](const Batch& batch) {
      return bench.cost->step({&batch, 1}).extrapolated;
    };
    EXPECT_FALSE(extrapolated(decoding(9, 14, 9)));
    EXPECT_TRUE(extrapolated(decoding(10, 14, 9)));
    EXPECT_TRUE(extrapolated(decoding(10, 14, 9)));  // known by now
    EXPECT_FALSE(extrapolated(decoding(9, 14, 9)));
  }
  // Of any rank, though it is not the slowest one.
  const Bench bench(model_of({{3, kHeads, kExperts}}), {.parallel = {.expert = 2}});
  bench.kernels->extrapolated = Op::qkv_proj;
  bench.kernels->extrapolated_from = 10;
  const std::array ranks{decoding(5, 1'000'000'000, 9), decoding(10, 14, 9)};
  EXPECT_TRUE(bench.cost->step(ranks).extrapolated);
}

TEST(StepModel, TheSameBatchTakesTheSameTime) {
  const Bench bench(model_of({{3, kHeads, kExperts}}), {.parallel = {.tensor = 2, .expert = 2}});
  std::vector<std::int64_t> times;
  for (std::int64_t n = 1; n < 200; ++n) times.push_back(bench.time(decoding(n, 20 * n, 30)));
  const std::size_t asked = bench.asked->products.size();
  for (std::int64_t n = 199; n >= 1; --n) {
    EXPECT_EQ(bench.time(decoding(n, 20 * n, 30)), times[static_cast<std::size_t>(n - 1)]);
  }
  EXPECT_EQ(bench.asked->products.size(), asked);  // looked up
}

TEST(StepModel, TimesBeyondTheClockSaturate) {
  const Bench bench(model_of({{1000, kHeads, kExperts}}), {.parallel = {.tensor = 2, .pipeline = 4},
                                                           .overhead = Duration::max(),
                                                           .prompt_layer_overhead = Duration::max(),
                                                           .eager_all_reduce = Duration::max()});
  bench.kernels->surcharge = Duration::max() / 3;
  const std::array chunk{PrefillChunk{Tokens{4}, Tokens{10}}};
  EXPECT_EQ(bench.cost->time({.prefills = chunk, .samples = 1}), Duration::max());
}

}  // namespace
}  // namespace terrace
