// Multi-head latent attention: the fast kernels against the reference, and the reference against
// plain attention on keys and values that are expanded from the latents.

#include "kernels/mla_decode.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/proof/operations.hpp"
#include "kernels/reference/reference_set.hpp"
#include "sim/base/check.hpp"
#include "tests/for_all.hpp"
#include "tests/kernels/drawn.hpp"
#include "tests/kernels/operands.hpp"
#include "tests/kernels/subjects.hpp"

namespace terrace::kernels {
namespace {

using proof::Mla;
using proof::Tensor;

constexpr std::int64_t kWidth = Mla::kWidth;
constexpr std::int64_t kLatent = Mla::kLatent;

class MlaDecodeOn : public tests::OnEachSet {
 protected:
  static void expect_as_reference(const Mla& mla, Element out_type) {
    ReferenceSet reference;
    const Tensor expected = mla.run(reference);
    const auto lens = mla.tables.view().kv_lens;
    const double longest = lens.empty() ? 0 : *std::max_element(lens.begin(), lens.end());
    const double largest =
        5 * static_cast<double>(Mla::kScale);  // of N(0, 1) numbers, times their scale
    const tests::AttentionTolerance tolerance{
        static_cast<double>(mla.scale) * kWidth * tests::largest(mla.q) * largest, longest, largest,
        kWidth, subject().rounding(mla.latents.view().type, mla.q.view().type)};
    for (const tests::Alike& sets : subject().make()) {
      const Tensor actual = mla.run(*sets.front(), out_type);
      tests::expect_close(expected, actual, tolerance);
      for (const auto& set : sets) EXPECT_EQ(actual, mla.run(*set, out_type));
    }
  }
};

TEST_P(MlaDecodeOn, IsWhatTheReferenceSays) {
  terrace::tests::for_all(
      [](std::uint64_t seed) {
        const Element type = *rc::gen::elementOf(subject().cached);
        const std::int64_t page = *rc::gen::element(16, 32, 64);
        const std::int64_t heads = *rc::gen::element(1, 3, 16);
        std::vector<std::int32_t> lens = tests::drawn_lengths(page);
        for (std::int32_t& len : lens) len = std::min(len, 70);
        const Mla mla(type, lens, page, heads, tests::drawn_row_type(), Random(seed, "mla"));
        expect_as_reference(mla, tests::drawn_row_type());
        RC_ASSERT(!::testing::Test::HasFailure());
      },
      subject().cases(40));
}

TEST_P(MlaDecodeOn, SplitsLongSequencesAndManyHeads) {
  expect_as_reference(Mla(Element::bf16, {1100, 0}, 64, 2, Element::bf16, Random(1, "long")),
                      Element::bf16);
  expect_as_reference(Mla(Element::bf16, {20, 3}, 64, 130, Element::bf16, Random(1, "heads")),
                      Element::fp32);
}

TEST(ReferenceMlaDecode, IsAttentionOnExpandedKeysAndValues) {
  // A head's key is W_k c beside the rope part, its value W_v c; absorbed, the query is W_k^T q.
  constexpr std::int64_t kHeads = 2;
  constexpr std::int64_t kNope = 32;
  constexpr std::int64_t kKey = kNope + PagedLatent::kRope;
  Mla mla(Element::fp32, {25}, 16, kHeads, Element::fp32, Random(1, "expanded"));
  Tensor up_keys(Element::fp32, kHeads * kNope * kLatent);
  Tensor up_values(Element::fp32, kHeads * kNope * kLatent);
  Tensor q(Element::fp32, kHeads * kKey);
  up_keys.fill(Random(1, "up keys"), 0.05);
  up_values.fill(Random(1, "up values"), 0.05);
  q.fill(Random(1, "plain q"));
  const auto expand = [&](const Tensor& up, std::int64_t h, std::int64_t n, const auto& latent) {
    double sum = 0;
    for (std::int64_t d = 0; d < kLatent; ++d) {
      sum += up.at((h * kNope + n) * kLatent + d) * latent(d);
    }
    return sum;
  };

  proof::Cache plain({Element::fp32, KvLayout::hnd, kHeads, kKey, 16}, {25}, Random(1, "plain"));
  plain.each([&](std::int64_t, std::int64_t t, std::int64_t h, std::int64_t d) {
    const auto latent = [&](std::int64_t i) {
      return static_cast<double>(Mla::kScale) * mla.latents.at(mla.place(0, t) + i);
    };
    const bool rope = d >= kNope;
    plain.set_key(0, t, h, d, rope ? latent(kLatent + d - kNope) : expand(up_keys, h, d, latent));
    plain.set_value(0, t, h, d, rope ? 0 : expand(up_values, h, d, latent));
  });
  Tensor expected(Element::fp32, q.count());
  ReferenceSet reference;
  reference.run(PagedDecode{q.view(), kHeads, plain.kv(), plain.table(), mla.scale, std::nullopt,
                            expected.writable()});

  for (std::int64_t h = 0; h < kHeads; ++h) {
    for (std::int64_t d = 0; d < kWidth; ++d) {
      double sum = d < kLatent ? 0 : q.at(h * kKey + kNope + d - kLatent);
      for (std::int64_t n = 0; d < kLatent && n < kNope; ++n) {
        sum += q.at(h * kKey + n) * up_keys.at((h * kNope + n) * kLatent + d);
      }
      mla.q.set(h * kWidth + d, sum);
    }
  }
  const Tensor out = mla.run(reference);
  for (std::int64_t h = 0; h < kHeads; ++h) {
    for (std::int64_t n = 0; n < kNope; ++n) {
      const double value =
          expand(up_values, h, n, [&](std::int64_t d) { return out.at(h * kLatent + d); });
      // Keys, values and absorbed queries were rounded to fp32.
      EXPECT_NEAR(value, expected.at(h * kKey + n), 2e-6);
    }
  }
}

TEST_P(MlaDecodeOn, RefusesShapesThatContradictEachOther) {
  const Mla mla(Element::bf16, {10}, 16, 1, Element::bf16, Random(1, "shapes"));
  const auto fast = subject().one();
  EXPECT_NO_THROW(mla.run(*fast));
  EXPECT_THROW(mla.run(*fast, Element::fp8_e4m3), InvariantViolation);
}

INSTANTIATE_TEST_SUITE_P(Sets, MlaDecodeOn, ::testing::ValuesIn(tests::subjects()), tests::name_of);

}  // namespace
}  // namespace terrace::kernels
