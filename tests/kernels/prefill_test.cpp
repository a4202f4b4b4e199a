// Paged prefill: the fast kernels against the reference, and the reference against decode.

#include "kernels/prefill.hpp"

#include <cmath>
#include <cstdint>
#include <optional>
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

using proof::Cache;
using proof::CacheShape;
using proof::Prefill;
using proof::Tensor;

class PagedPrefillOn : public tests::OnEachSet {
 protected:
  static void expect_as_reference(const Prefill& prefill, Element out_type = Element::fp32) {
    ReferenceSet reference;
    const Tensor expected = prefill.run(reference);
    for (const tests::Alike& sets : subject().make()) {
      const Tensor actual = prefill.run(*sets.front(), out_type);
      tests::expect_close(expected, actual, subject().tolerance(prefill));
      for (const auto& set : sets) EXPECT_EQ(actual, prefill.run(*set, out_type));
    }
  }
};

/// Of each length, some last part.
std::vector<std::int32_t> drawn_chunks(const std::vector<std::int32_t>& lens) {
  std::vector<std::int32_t> chunks;
  for (const std::int32_t len : lens) {
    chunks.push_back(std::min(len, *rc::gen::element<std::int32_t>(0, 1, 5, 16, 33, 1000)));
  }
  return chunks;
}

TEST_P(PagedPrefillOn, IsWhatTheReferenceSays) {
  terrace::tests::for_all(
      [](std::uint64_t seed) {
        const tests::Heads heads = tests::drawn_heads();
        const CacheShape shape = tests::drawn_cache(heads, subject());
        std::vector<std::int32_t> lens = tests::drawn_lengths(shape.page);
        for (std::int32_t& len : lens) len = std::min(len, 130);
        Prefill prefill(shape, lens, drawn_chunks(lens), heads.q, tests::drawn_row_type(),
                        Random(seed, "prefill"));
        if (*rc::gen::arbitrary<bool>()) prefill.window = *rc::gen::element(1, 7, 16, 33, 1000);
        expect_as_reference(prefill, tests::drawn_row_type());
        RC_ASSERT(!::testing::Test::HasFailure());
      },
      subject().cases(40));
}

TEST(ReferencePrefill, EndsWithWhatDecodeSays) {
  terrace::tests::for_all(
      [](std::uint64_t seed) {
        const CacheShape shape{Element::bf16, KvLayout::hnd, 2, 64, 16};
        std::vector<std::int32_t> lens = tests::drawn_lengths(16);
        std::erase(lens, 0);
        for (std::int32_t& len : lens) len = std::min(len, 130);
        std::vector<std::int32_t> chunks = drawn_chunks(lens);
        for (std::int32_t& chunk : chunks) chunk = std::max(chunk, 1);
        Prefill prefill(shape, lens, chunks, 6, Element::bf16, Random(seed, "last"));
        if (*rc::gen::arbitrary<bool>()) prefill.window = *rc::gen::element(1, 16, 33);

        const std::int64_t row = 6 * 64;
        Tensor last(Element::bf16, static_cast<std::int64_t>(lens.size()) * row);
        for (std::int64_t i = 0; i < last.count(); ++i) {
          const auto s = static_cast<std::size_t>(i / row);
          last.set(i, prefill.q.at((prefill.indptr[s + 1] - 1) * row + i % row));
        }
        Tensor decoded(Element::fp32, last.count());
        ReferenceSet reference;
        reference.run(PagedDecode{last.view(), 6, prefill.cache.kv(), prefill.cache.table(),
                                  prefill.scale, prefill.window, decoded.writable()});
        const Tensor rows = prefill.run(reference);
        for (std::int64_t i = 0; i < last.count(); ++i) {
          const auto s = static_cast<std::size_t>(i / row);
          RC_ASSERT(std::abs(rows.at((prefill.indptr[s + 1] - 1) * row + i % row) -
                             decoded.at(i)) <= 1e-7 * (1 + std::abs(decoded.at(i))));
        }
      },
      40);
}

TEST_P(PagedPrefillOn, IsTheSameInOneChunkOrInSeveral) {
  const CacheShape shape{Element::fp16, KvLayout::hnd, 1, 64, 16};
  const Prefill whole(shape, {100}, {100}, 4, Element::fp16, Random(1, "chunks"));
  const auto fast = subject().one();
  const Tensor all = whole.run(*fast);
  // Chunks begin at other tiles: scores are compared with other largest ones.
  const double tolerance = 1e-5 + 4 * subject().tolerance(whole).rounding.weights;
  for (const std::int32_t first : {0, 1, 37, 64, 99}) {
    Prefill rest = whole;
    rest.indptr = {0, 100 - first};
    rest.q = Tensor(Element::fp16, (100 - first) * 4 * 64);
    for (std::int64_t i = 0; i < rest.q.count(); ++i) {
      rest.q.set(i, whole.q.at(first * 4 * 64 + i));
    }
    const Tensor out = rest.run(*fast);
    for (std::int64_t i = 0; i < out.count(); ++i) {
      ASSERT_NEAR(out.at(i), all.at(first * 4 * 64 + i), tolerance);
    }
  }
}

TEST_P(PagedPrefillOn, NeverLooksIntoTheFutureNorBehindTheWindow) {
  if (!subject().rows_are_alone) GTEST_SKIP() << "rows of a tile share what is not finite";
  const CacheShape shape{Element::bf16, KvLayout::nhd, 2, 64, 16};
  Prefill prefill(shape, {90}, {60}, 6, Element::bf16, Random(1, "future"));
  prefill.window = 20;
  const Prefill clean = prefill;
  prefill.cache.poison(0, 70);  // which new tokens 40 to 59 see
  prefill.cache.poison(0, 25);  // which new tokens 0 to 14 see
  ReferenceSet reference;
  const auto fast = subject().one();
  for (KernelSet* set : {static_cast<KernelSet*>(&reference), fast.get()}) {
    const Tensor expected = clean.run(*set);
    const Tensor actual = prefill.run(*set);
    for (std::int64_t i = 0; i < actual.count(); ++i) {
      const std::int64_t token = i / (6 * 64);
      if (token <= 14 || token >= 40) {
        ASSERT_TRUE(std::isnan(actual.at(i))) << token;
      } else {
        ASSERT_EQ(actual.at(i), expected.at(i)) << token;
      }
    }
  }
}

TEST_P(PagedPrefillOn, SurvivesHugeScores) {
  for (const float scale : {1e3F, 1e30F}) {
    Prefill prefill({Element::bf16, KvLayout::hnd, 1, 64, 16}, {50}, {50}, 2, Element::bf16,
                    Random(1, "huge"));
    prefill.scale = scale;
    ReferenceSet reference;
    const auto fast = subject().one();
    tests::expect_close(prefill.run(reference), prefill.run(*fast), {0, 50, 10});
  }
}

TEST_P(PagedPrefillOn, RefusesShapesThatContradictEachOther) {
  Prefill prefill({Element::bf16, KvLayout::hnd, 2, 64, 16}, {10}, {3}, 4, Element::bf16,
                  Random(1, "shapes"));
  const auto fast = subject().one();
  EXPECT_NO_THROW(prefill.run(*fast));
  prefill.indptr.erase(prefill.indptr.begin());
  EXPECT_THROW(prefill.run(*fast), InvariantViolation);
}

INSTANTIATE_TEST_SUITE_P(Sets, PagedPrefillOn, ::testing::ValuesIn(tests::subjects()),
                         tests::name_of);

}  // namespace
}  // namespace terrace::kernels
