// Paged prefill: the fast kernels against the reference, and the reference against decode.

#include "kernels/prefill.hpp"

#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/cpu/cpu_set.hpp"
#include "kernels/reference/reference_set.hpp"
#include "sim/base/check.hpp"
#include "tests/for_all.hpp"
#include "tests/kernels/drawn.hpp"
#include "tests/kernels/operands.hpp"

namespace terrace::kernels {
namespace {

using tests::Cache;
using tests::CacheShape;
using tests::Tensor;

/// Chunks of new tokens over a cache with normal random numbers everywhere.
struct Prefill {
  Cache cache;
  std::vector<std::int32_t> indptr;
  std::int64_t heads;
  Tensor q;
  std::optional<std::int64_t> window;
  float scale;

  Prefill(const CacheShape& shape, const std::vector<std::int32_t>& lens,
          const std::vector<std::int32_t>& chunks, std::int64_t heads_, Element q_type,
          const Random& random)
      : cache(shape, lens, random),
        indptr(1, 0),
        heads(heads_),
        q(q_type, 0),
        scale(1 / std::sqrt(static_cast<float>(shape.head_dim))) {
    for (const std::int32_t chunk : chunks) indptr.push_back(indptr.back() + chunk);
    q = Tensor(q_type, indptr.back() * heads * shape.head_dim);
    q.fill(random.fork("q"));
  }

  [[nodiscard]] PagedPrefill operation(Tensor& out) const {
    return {q.view(), indptr, heads, cache.kv(), cache.table(), scale, window, out.writable()};
  }
  [[nodiscard]] Tensor run(KernelSet& set, Element out_type = Element::fp32) const {
    Tensor out(out_type, q.count());
    set.run(operation(out));
    return out;
  }
  [[nodiscard]] tests::AttentionTolerance tolerance() const {
    return cache.tolerance(tests::largest(q), scale);
  }
};

void expect_as_reference(const Prefill& prefill, Element out_type = Element::fp32) {
  ReferenceSet reference;
  const Tensor expected = prefill.run(reference);
  for (const cpu::Vectors vectors : cpu::supported_vectors()) {
    CpuSet one(1, vectors);
    CpuSet three(3, vectors);
    const Tensor actual = prefill.run(one, out_type);
    tests::expect_close(expected, actual, prefill.tolerance());
    EXPECT_EQ(actual, prefill.run(three, out_type)) << "threads change the result";
  }
}

/// Of each length, some last part.
std::vector<std::int32_t> drawn_chunks(const std::vector<std::int32_t>& lens) {
  std::vector<std::int32_t> chunks;
  for (const std::int32_t len : lens) {
    chunks.push_back(std::min(len, *rc::gen::element<std::int32_t>(0, 1, 5, 16, 33, 1000)));
  }
  return chunks;
}

TEST(PagedPrefill, IsWhatTheReferenceSays) {
  terrace::tests::for_all(
      [](std::uint64_t seed) {
        const tests::Heads heads = tests::drawn_heads();
        const CacheShape shape = tests::drawn_cache(heads);
        std::vector<std::int32_t> lens = tests::drawn_lengths(shape.page);
        for (std::int32_t& len : lens) len = std::min(len, 130);
        Prefill prefill(shape, lens, drawn_chunks(lens), heads.q, tests::drawn_row_type(),
                        Random(seed, "prefill"));
        if (*rc::gen::arbitrary<bool>()) prefill.window = *rc::gen::element(1, 7, 16, 33, 1000);
        expect_as_reference(prefill, tests::drawn_row_type());
        RC_ASSERT(!::testing::Test::HasFailure());
      },
      40);
}

TEST(PagedPrefill, EndsWithWhatDecodeSays) {
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

TEST(PagedPrefill, IsTheSameInOneChunkOrInSeveral) {
  const CacheShape shape{Element::fp16, KvLayout::hnd, 1, 64, 16};
  const Prefill whole(shape, {100}, {100}, 4, Element::fp16, Random(1, "chunks"));
  CpuSet cpu(2);
  const Tensor all = whole.run(cpu);
  for (const std::int32_t first : {0, 1, 37, 64, 99}) {
    Prefill rest = whole;
    rest.indptr = {0, 100 - first};
    rest.q = Tensor(Element::fp16, (100 - first) * 4 * 64);
    for (std::int64_t i = 0; i < rest.q.count(); ++i) {
      rest.q.set(i, whole.q.at(first * 4 * 64 + i));
    }
    const Tensor out = rest.run(cpu);
    for (std::int64_t i = 0; i < out.count(); ++i) {
      ASSERT_NEAR(out.at(i), all.at(first * 4 * 64 + i), 1e-5);
    }
  }
}

TEST(PagedPrefill, NeverLooksIntoTheFutureNorBehindTheWindow) {
  const CacheShape shape{Element::bf16, KvLayout::nhd, 2, 64, 16};
  Prefill prefill(shape, {90}, {60}, 6, Element::bf16, Random(1, "future"));
  prefill.window = 20;
  const Prefill clean = prefill;
  prefill.cache.poison(0, 70);  // which new tokens 40 to 59 see
  prefill.cache.poison(0, 25);  // which new tokens 0 to 14 see
  ReferenceSet reference;
  CpuSet cpu(2);
  for (KernelSet* set : {static_cast<KernelSet*>(&reference), static_cast<KernelSet*>(&cpu)}) {
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

TEST(PagedPrefill, SurvivesHugeScores) {
  for (const float scale : {1e3F, 1e30F}) {
    Prefill prefill({Element::fp32, KvLayout::hnd, 1, 64, 16}, {50}, {50}, 2, Element::fp32,
                    Random(1, "huge"));
    prefill.scale = scale;
    ReferenceSet reference;
    CpuSet cpu(1);
    tests::expect_close(prefill.run(reference), prefill.run(cpu), {0, 50, 10});
  }
}

TEST(PagedPrefill, RefusesShapesThatContradictEachOther) {
  const Prefill prefill({Element::bf16, KvLayout::hnd, 2, 64, 16}, {10}, {3}, 4, Element::bf16,
                        Random(1, "shapes"));
  Tensor out(Element::fp32, prefill.q.count());
  CpuSet cpu(1);
  PagedPrefill op = prefill.operation(out);
  EXPECT_NO_THROW(cpu.run(op));
  op.indptr = op.indptr.subspan(1);
  EXPECT_THROW(cpu.run(op), InvariantViolation);
}

}  // namespace
}  // namespace terrace::kernels
