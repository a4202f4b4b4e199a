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

}  // namespace
}  // namespace terrace::labs
