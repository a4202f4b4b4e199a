// Paged decode: the fast kernels against the reference.

#include "kernels/decode.hpp"

#include <algorithm>
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
using proof::Decode;
using proof::Tensor;

class PagedDecodeOn : public tests::OnEachSet {
 protected:
  static void expect_as_reference(const Decode& decode, Element out_type = Element::fp32) {
    ReferenceSet reference;
    const Tensor expected = decode.run(reference);
    for (const tests::Alike& sets : subject().make()) {
      const Tensor actual = decode.run(*sets.front(), out_type);
      tests::expect_close(expected, actual, subject().tolerance(decode));
      for (const auto& set : sets) EXPECT_EQ(actual, decode.run(*set, out_type));
    }
  }
};

TEST_P(PagedDecodeOn, IsWhatTheReferenceSays) {
  terrace::tests::for_all(
      [](std::uint64_t seed) {
        const tests::Heads heads = tests::drawn_heads();
        const CacheShape shape = tests::drawn_cache(heads, subject());
        Decode decode(shape, tests::drawn_lengths(shape.page), heads.q, tests::drawn_row_type(),
                      Random(seed, "decode"));
        if (*rc::gen::arbitrary<bool>()) decode.window = *rc::gen::element(1, 7, 16, 33, 128, 1000);
        expect_as_reference(decode, tests::drawn_row_type());
        RC_ASSERT(!::testing::Test::HasFailure());
      },
      subject().cases(200));
}

TEST_P(PagedDecodeOn, SplitsLongSequences) {
  const CacheShape shape{Element::bf16, KvLayout::hnd, 1, 64, 16};
  for (const std::int32_t length : {1023, 1024, 1025, 2048, 9001}) {
    Decode decode(shape, {length, 3}, 2, Element::bf16, Random(1, "long"));
    expect_as_reference(decode);
    decode.window = 1500;
    expect_as_reference(decode);
  }
}

TEST_P(PagedDecodeOn, SeesNothingOutsideOfItsWindow) {
  Decode decode({Element::bf16, KvLayout::nhd, 2, 64, 16}, {100, 40}, 4, Element::bf16,
                Random(1, "window"));
  decode.window = 50;
  for (std::int64_t t = 0; t < 50; ++t) decode.cache.poison(0, t);
  ReferenceSet reference;
  const auto fast = subject().one();
  const Tensor expected = decode.run(reference);
  EXPECT_FALSE(std::isnan(expected.at(0)));
  Decode clean = decode;
  for (std::int64_t t = 0; t < 50; ++t) {
    for (std::int64_t d = 0; d < 64; ++d) {
      for (std::int64_t h = 0; h < 2; ++h) {
        clean.cache.set_key(0, t, h, d, 0);
        clean.cache.set_value(0, t, h, d, 0);
      }
    }
  }
  EXPECT_EQ(decode.run(*fast), clean.run(*fast));
  tests::expect_close(expected, decode.run(*fast), subject().tolerance(clean));
}

TEST_P(PagedDecodeOn, PassesOnNanOfSeenKeys) {
  Decode decode({Element::fp16, KvLayout::hnd, 1, 64, 16}, {100, 40}, 2, Element::fp32,
                Random(1, "nan"));
  decode.cache.set_key(0, 70, 0, 5, std::numeric_limits<double>::quiet_NaN());
  ReferenceSet reference;
  const auto fast = subject().one();
  for (KernelSet* set : {static_cast<KernelSet*>(&reference), fast.get()}) {
    const Tensor out = decode.run(*set);
    EXPECT_TRUE(std::isnan(out.at(0)));
    EXPECT_FALSE(std::isnan(out.at(2 * 64)));
  }
}

TEST_P(PagedDecodeOn, SurvivesHugeScores) {
  for (const float scale : {1e3F, 1e20F, 1e30F}) {
    Decode decode({Element::bf16, KvLayout::hnd, 1, 64, 16}, {50, 1100}, 2, Element::bf16,
                  Random(1, "huge"));
    decode.scale = scale;
    ReferenceSet reference;
    const auto fast = subject().one();
    // Scores are so far apart that one key takes all; errors of scores do not matter then.
    tests::expect_close(decode.run(reference), decode.run(*fast), {0, 1100, 10});
  }
}

TEST_P(PagedDecodeOn, GivesTheMeanOfValuesWhereAllKeysAreEqual) {
  Decode decode({Element::bf16, KvLayout::hnd, 1, 64, 16}, {1100}, 2, Element::bf16,
                Random(1, "equal"));
  decode.cache.each([&](std::int64_t s, std::int64_t t, std::int64_t h, std::int64_t d) {
    decode.cache.set_key(s, t, h, d, static_cast<double>(d) - 30);
  });
  const auto fast = subject().one();
  const Tensor out = decode.run(*fast);
  for (std::int64_t d = 0; d < 64; ++d) {
    double mean = 0;
    for (std::int64_t t = 0; t < 1100; ++t)
      mean += static_cast<double>(Decode::kValueScale) * decode.cache.value(0, t, 0, d) / 1100;
    EXPECT_NEAR(out.at(d), mean, 1e-6);
    EXPECT_NEAR(out.at(64 + d), mean, 1e-6);
  }
}

TEST_P(PagedDecodeOn, GroupedQueriesAreManyHeadsWithRepeatedKeys) {
  terrace::tests::for_all(
      [](std::uint64_t seed) {
        Decode grouped({Element::bf16, KvLayout::hnd, 2, 64, 16}, tests::drawn_lengths(16), 6,
                       Element::bf16, Random(seed, "grouped"));
        Decode repeated = grouped;
        std::vector<std::int32_t> lens(grouped.cache.table().kv_lens.begin(),
                                       grouped.cache.table().kv_lens.end());
        repeated.cache = Cache({Element::bf16, KvLayout::nhd, 6, 64, 32}, lens, Random(1, "other"));
        repeated.cache.each([&](std::int64_t s, std::int64_t t, std::int64_t h, std::int64_t d) {
          repeated.cache.set_key(s, t, h, d, grouped.cache.key(s, t, h / 3, d));
          repeated.cache.set_value(s, t, h, d, grouped.cache.value(s, t, h / 3, d));
        });
        ReferenceSet reference;
        const auto fast = subject().one();
        RC_ASSERT(grouped.run(reference) == repeated.run(reference));
        RC_ASSERT(grouped.run(*fast) == repeated.run(*fast));
      },
      20);
}

TEST_P(PagedDecodeOn, WindowsThatHoldTheSequenceChangeNothing) {
  Decode decode({Element::bf16, KvLayout::hnd, 1, 64, 16}, {40, 1, 0, 1030}, 2, Element::bf16,
                Random(1, "wide"));
  ReferenceSet reference;
  const auto fast = subject().one();
  const Tensor by_reference = decode.run(reference);
  const Tensor by_cpu = decode.run(*fast);
  for (const std::int64_t window : {std::int64_t{1030}, std::int64_t{1} << 40}) {
    decode.window = window;
    EXPECT_EQ(decode.run(reference), by_reference);
    EXPECT_EQ(decode.run(*fast), by_cpu);
  }
  decode.window = 1;  // the newest token alone: its value
  for (KernelSet* set : {static_cast<KernelSet*>(&reference), fast.get()}) {
    const Tensor out = decode.run(*set);
    for (std::int64_t d = 0; d < 64; ++d) {
      const double scale = static_cast<double>(Decode::kValueScale);
      EXPECT_EQ(out.at(d), scale * decode.cache.value(0, 39, 0, d));
      EXPECT_EQ(out.at(2 * 64 + d), scale * decode.cache.value(1, 0, 0, d));
      EXPECT_EQ(out.at(4 * 64 + d), 0);
    }
  }
}

TEST_P(PagedDecodeOn, RefusesShapesThatContradictEachOther) {
  const Decode decode({Element::bf16, KvLayout::hnd, 2, 64, 16}, {10}, 4, Element::bf16,
                      Random(1, "shapes"));
  const Tensor out(Element::fp32, decode.q.count());
  const auto fast = subject().one();
  const proof::Placed queries(*fast, decode.q);
  const proof::Placed keys(*fast, decode.cache.keys());
  const proof::Placed result(*fast, out);
  const PagedDecode good{queries.view(),
                         4,
                         decode.cache.kv(keys.view(), keys.view()),
                         decode.cache.table(),
                         decode.scale,
                         std::nullopt,
                         result.writable()};
  EXPECT_NO_THROW(fast->run(good));
  const auto refused = [&](auto change) {
    PagedDecode op = good;
    change(op);
    EXPECT_THROW(static_cast<void>(fast->prepare(op)), InvariantViolation);
  };
  refused([](PagedDecode& op) { op.heads = 3; });
  refused([](PagedDecode& op) { op.kv.head_dim = 40; });
  refused([](PagedDecode& op) { op.kv.page = 0; });
  refused([](PagedDecode& op) { op.kv.values.type = Element::fp16; });
  refused([](PagedDecode& op) { op.q.type = Element::fp8_e4m3; });
  refused([](PagedDecode& op) { op.window = 0; });
  refused([](PagedDecode& op) { op.table.width += 1; });
}

INSTANTIATE_TEST_SUITE_P(Sets, PagedDecodeOn, ::testing::ValuesIn(tests::subjects()),
                         tests::name_of);

}  // namespace
}  // namespace terrace::kernels
