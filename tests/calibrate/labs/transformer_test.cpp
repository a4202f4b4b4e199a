#include "calibrate/labs/transformer.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include <Eigen/Core>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "kernels/cpu/cpu_set.hpp"
#include "sim/base/random.hpp"
#include "tests/calibrate/labs/far_set.hpp"
#include "tests/calibrate/labs/plain_transformer.hpp"
#include "tests/for_all.hpp"

namespace terrace::labs {
namespace {

using kernels::Element;
using tests::for_all;
using tests::plain_logits;

using Tokens32 = std::vector<std::int32_t>;

Shape small(AttentionKind kind, std::int64_t kv_heads, Element element) {
  Shape shape;
  shape.layers = 3;
  shape.width = 96;
  shape.attention = kind;
  shape.heads = 4;
  shape.kv_heads = kv_heads;
  shape.head_dim = 32;
  shape.mlp = 160;
  shape.vocabulary = 300;
  shape.element = element;
  return shape;
}

struct Kind {
  std::string name;
  AttentionKind attention;
  std::int64_t kv_heads;
};

class OfEachKind : public testing::TestWithParam<Kind> {
 protected:
  [[nodiscard]] static Shape shape(Element element) {
    return small(GetParam().attention, GetParam().kv_heads, element);
  }
};

INSTANTIATE_TEST_SUITE_P(Labs, OfEachKind,
                         testing::Values(Kind{"mha", AttentionKind::grouped, 4},
                                         Kind{"gqa", AttentionKind::grouped, 2},
                                         Kind{"mqa", AttentionKind::grouped, 1},
                                         Kind{"mla", AttentionKind::latent, 1}),
                         [](const auto& kind) { return kind.param.name; });

Tokens32 random_tokens(std::size_t count, std::int64_t vocabulary, std::uint64_t seed) {
  Random random(seed, "tests/labs/tokens");
  Tokens32 tokens(count);
  for (auto& token : tokens) {
    token = static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(vocabulary)));
  }
  return tokens;
}

Tokens32 from_on(std::int32_t first, std::int64_t count) {
  Tokens32 blocks(static_cast<std::size_t>(count));
  std::iota(blocks.begin(), blocks.end(), first);
  return blocks;
}

/// The root mean square of the difference, in units of that of what is expected.
double error_of(std::span<const float> got, const Eigen::RowVectorXd& expected) {
  double sum = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double off = static_cast<double>(got[i]) - expected(static_cast<Eigen::Index>(i));
    sum += off * off;
  }
  return std::sqrt(sum) / expected.norm();
}

double error_of(std::span<const float> got, std::span<const float> expected) {
  const Eigen::Map<const Eigen::RowVectorXf> row(expected.data(),
                                                 static_cast<Eigen::Index>(expected.size()));
  return error_of(got, Eigen::RowVectorXd(row.cast<double>()));
}

/// Logits after the last token, which come out of steps of so many tokens.
std::vector<float> by_chunks(Transformer& model, std::span<const std::int32_t> tokens,
                             std::span<const std::int64_t> chunks,
                             std::span<const std::int32_t> blocks) {
  std::vector<float> logits;
  std::int64_t computed = 0;
  for (const std::int64_t chunk : chunks) {
    const SequenceStep step{
        tokens.subspan(static_cast<std::size_t>(computed), static_cast<std::size_t>(chunk)),
        computed, blocks};
    logits = model.step(std::span(&step, 1));
    computed += chunk;
  }
  return logits;
}

TEST_P(OfEachKind, LogitsAreThoseOfThePapersFormulas) {
  for (const Element element : {Element::fp32, Element::bf16}) {
    const Shape of = shape(element);
    kernels::CpuSet set(2);
    Transformer model(of, 1, set);
    const Weights weights(of);
    for (const std::size_t length : {1U, 2U, 16U, 17U, 70U}) {
      const Tokens32 tokens = random_tokens(length, of.vocabulary, length);
      const Eigen::MatrixXd expected = plain_logits(of, weights, tokens);
      const double error =
          error_of(model.logits_without_cache(tokens), expected.bottomRows(1).row(0));
      EXPECT_LT(error, element == Element::fp32 ? 2e-6 : 0.02) << length;
    }
  }
}

TEST_P(OfEachKind, ChunksOfAnySizeGiveTheLogitsOfTheWhole) {
  const Shape of = shape(Element::fp32);
  kernels::CpuSet set(2);
  Transformer model(of, 8, set);
  for_all(
      [&] {
        const auto chunks = *rc::gen::suchThat(
            rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(1, 40)),
            [](const auto& all) {
              const auto sum = std::accumulate(all.begin(), all.end(), std::int64_t{0});
              return sum > 0 && sum <= 128;
            });
        const auto count = std::accumulate(chunks.begin(), chunks.end(), std::int64_t{0});
        const Tokens32 tokens = random_tokens(static_cast<std::size_t>(count), of.vocabulary, 3);
        const Tokens32 blocks = {5, 0, 3, 7, 1, 2, 6, 4};
        const auto whole = model.logits_without_cache(tokens);
        RC_ASSERT(error_of(by_chunks(model, tokens, chunks, blocks), whole) < 2e-6);
      },
      20);
}

TEST_P(OfEachKind, WithRoundingTheCacheChangesLogitsLittle) {
  const Shape of = shape(Element::bf16);
  kernels::CpuSet set(1);
  Transformer model(of, 8, set);
  const Tokens32 tokens = random_tokens(100, of.vocabulary, 4);
  std::vector<std::int64_t> chunks(61, 1);
  chunks.front() = 40;
  const auto cached = by_chunks(model, tokens, chunks, from_on(0, 8));
  EXPECT_LT(error_of(cached, model.logits_without_cache(tokens)), 0.01);
}

/// Sequences of random lengths, some with a cache already, in blocks of their own.
struct Batch {
  std::vector<Tokens32> texts;
  std::vector<Tokens32> blocks;
  std::vector<SequenceStep> steps;
};

Batch random_batch(const Shape& of) {
  Batch batch;
  for (std::size_t s = 0; s < 6; ++s) {
    const std::size_t length = 3 + 13 * s;
    batch.texts.push_back(random_tokens(length, of.vocabulary, s));
    batch.blocks.push_back(from_on(static_cast<std::int32_t>(5 * s), 5));
  }
  for (std::size_t s = 0; s < 6; ++s) {
    const auto length = static_cast<std::int64_t>(batch.texts[s].size());
    const std::int64_t computed = s % 3 == 0 ? length - 1 : s % 3 == 1 ? 0 : length / 2;
    batch.steps.push_back(
        {std::span<const std::int32_t>(batch.texts[s]).subspan(static_cast<std::size_t>(computed)),
         computed, batch.blocks[s]});
  }
  return batch;
}

TEST_P(OfEachKind, WhoElseIsInTheStepMakesNoDifference) {
  const Shape of = shape(Element::fp32);
  kernels::CpuSet set(2);
  Transformer model(of, 30, set);
  const Batch batch = random_batch(of);
  for (std::size_t s = 0; s < batch.steps.size(); ++s) {
    const SequenceStep& step = batch.steps[s];
    if (step.computed == 0) continue;
    const SequenceStep before{
        std::span(batch.texts[s]).first(static_cast<std::size_t>(step.computed)), 0, step.blocks};
    model.step(std::span(&before, 1));
  }
  const std::vector<float> together = model.step(batch.steps);
  for (std::size_t s = 0; s < batch.steps.size(); ++s) {
    const auto vocabulary = static_cast<std::size_t>(of.vocabulary);
    const auto row = std::span(together).subspan(s * vocabulary, vocabulary);
    EXPECT_LT(error_of(row, model.logits_without_cache(batch.texts[s])), 2e-6) << s;
    const auto alone = model.step(std::span(&batch.steps[s], 1));
    EXPECT_TRUE(std::equal(row.begin(), row.end(), alone.begin())) << s;
  }
}

TEST_P(OfEachKind, BlocksGoAwayAndComeBackElsewhere) {
  for (const Element element : {Element::fp32, Element::bf16}) {
    const Shape of = shape(element);
    kernels::CpuSet set(1);
    Transformer model(of, 8, set);
    const Tokens32 tokens = random_tokens(50, of.vocabulary, 9);
    const Tokens32 before = {0, 1, 2, 3};
    const std::vector<std::int64_t> chunks = {49, 1};
    const std::vector<float> expected = by_chunks(model, tokens, chunks, before);
    const auto size = static_cast<std::size_t>(of.block_bytes().count());
    std::vector<std::vector<std::byte>> saved(4, std::vector<std::byte>(size));
    for (std::size_t b = 0; b < 4; ++b) model.save_block(before[b], saved[b]);
    const std::vector<std::byte> other(size, std::byte{0x55});
    for (const std::int32_t block : before) model.load_block(block, other);

    const Tokens32 after = {6, 3, 0, 5};
    for (std::size_t b = 0; b < 4; ++b) model.load_block(after[b], saved[b]);
    const SequenceStep last{std::span(tokens).last(1), 49, after};
    EXPECT_EQ(model.step(std::span(&last, 1)), expected);
  }
}

TEST_P(OfEachKind, ComputesTheSameInMemoryThatTheHostCannotReach) {
  const Shape of = shape(Element::bf16);
  kernels::CpuSet near(1);
  tests::FarSet far;
  Transformer here(of, 4, near);
  Transformer there(of, 4, far);
  const Tokens32 tokens = random_tokens(50, of.vocabulary, 2);
  const Tokens32 blocks = {2, 0, 3, 1};
  const std::vector<std::int64_t> chunks = {30, 1, 17, 1, 1};
  EXPECT_EQ(by_chunks(there, tokens, chunks, blocks), by_chunks(here, tokens, chunks, blocks));
  EXPECT_EQ(there.logits_without_cache(tokens), here.logits_without_cache(tokens));
  std::vector<std::byte> saved(static_cast<std::size_t>(of.block_bytes().count()));
  std::vector<std::byte> expected(saved.size());
  there.save_block(2, saved);
  here.save_block(2, expected);
  EXPECT_EQ(saved, expected);
  there.load_block(1, saved);
  std::vector<std::byte> again(saved.size());
  there.save_block(1, again);
  EXPECT_EQ(again, saved);
}

TEST(Transformer, AStepOfNobodyGivesNothing) {
  kernels::CpuSet set(1);
  Transformer model(small(AttentionKind::grouped, 1, Element::fp32), 1, set);
  EXPECT_TRUE(model.step({}).empty());
}

TEST(Transformer, EqualSeedsGiveEqualModels) {
  kernels::CpuSet set(1);
  Shape of = small(AttentionKind::latent, 1, Element::bf16);
  const Tokens32 tokens = random_tokens(5, of.vocabulary, 1);
  const auto logits = [&] { return Transformer(of, 1, set).logits_without_cache(tokens); };
  const std::vector<float> first = logits();
  EXPECT_EQ(logits(), first);
  of.seed = 2;
  EXPECT_NE(logits(), first);
}

TEST(Transformer, SaysWhereTheTimeOfAStepWent) {
  kernels::CpuSet set(1);
  Transformer model(small(AttentionKind::grouped, 1, Element::bf16), 4, set);
  const Tokens32 tokens = random_tokens(60, 300, 1);
  model.logits_without_cache(tokens);
  const StepTimes times = model.last_times();
  EXPECT_GT(times.gemm, Duration::zero());
  EXPECT_GT(times.attention, Duration::zero());
  EXPECT_GT(times.other(), Duration::zero());
}

TEST(Greedy, TakesTheFirstOfTheLargest) {
  const std::vector<float> logits = {0, 3, 3, -1, -5, -4, -4, -9};
  EXPECT_EQ(greedy(logits, 4), (Tokens32{1, 1}));
}

}  // namespace
}  // namespace terrace::labs
