// Matrix products: the fast kernel against the reference.

#include "kernels/gemm.hpp"

#include <cmath>
#include <cstdint>

#include <gtest/gtest.h>

#include "kernels/proof/operations.hpp"
#include "kernels/reference/reference_set.hpp"
#include "sim/base/check.hpp"
#include "tests/for_all.hpp"
#include "tests/kernels/operands.hpp"
#include "tests/kernels/subjects.hpp"

namespace terrace::kernels {
namespace {

using proof::Product;
using proof::Tensor;

/// Of tensor cores, that sum up products of fp8 without a pause (NVIDIA's flag "fast
/// accumulation"): what they add to a sum is cut to 13 bits behind the point of the largest term.
constexpr double kFastSums = 0x1p-13;
constexpr double kTf32 = 0x1p-10;  // what cutting an operand's mantissa leaves off, relative

class GemmOn : public tests::OnEachSet {
 protected:
  void SetUp() override {
    tests::OnEachSet::SetUp();
    if (!subject().multiplies) GTEST_SKIP() << "its products are a library's";
  }

  /// Whether the set has to have it: libraries leave out mixtures that nobody serves with.
  static bool required(Element type, Element c, std::int64_t n = 16, std::int64_t k = 16) {
    if (subject().narrows_fp32) return true;
    if (type == Element::fp8_e4m3) return n % 16 == 0 && k % 16 == 0;
    return c == type || c == Element::fp32;
  }

  static void expect_as_reference(const Product& product, Element c_type,
                                  Multiply multiply = Multiply::all_bits) {
    const Element type = product.a.view().type;
    ReferenceSet reference;
    const Tensor expected = product.run(reference);
    // A sum of k products is off by less than k roundings of the sum of their absolute values, on
    // average k times that of two normal numbers, 2 / pi; and then C is rounded.
    const double sum = static_cast<double>(product.k) + 8;
    const bool library = !subject().narrows_fp32;
    const double each = multiply == Multiply::tf32             ? 2 * kTf32
                        : library && type == Element::fp8_e4m3 ? kFastSums
                                                               : 0;
    const double subnormal = c_type == Element::fp16 ? 0x1p-25 : 0;
    for (const tests::Alike& sets : subject().make()) {
      const Tensor actual = product.run(*sets.front(), c_type, multiply);
      for (std::int64_t i = 0; i < expected.count(); ++i) {
        const double tolerance = tests::unit_roundoff(c_type) * std::abs(expected.at(i)) +
                                 0x1p-24 * sum * sum + each * sum + subnormal;
        ASSERT_TRUE(std::abs(actual.at(i) - expected.at(i)) <= tolerance)
            << "element " << i << ": " << actual.at(i) << " instead of " << expected.at(i);
      }
      for (const auto& set : sets) EXPECT_EQ(actual, product.run(*set, c_type, multiply));
    }
  }
};

TEST_P(GemmOn, IsWhatTheReferenceSays) {
  terrace::tests::for_all([](std::uint64_t seed) {
    const auto type =
        *rc::gen::element(Element::fp32, Element::bf16, Element::fp16, Element::fp8_e4m3);
    const Product product(type, *rc::gen::element(0, 1, 2, 7, 31),
                          *rc::gen::element(0, 1, 8, 13, 16, 70, 96),
                          *rc::gen::element(0, 1, 16, 17, 48, 100), Random(seed, "gemm"));
    const auto c_type = *rc::gen::element(Element::fp32, Element::bf16, Element::fp16);
    RC_PRE(required(type, c_type, product.n, product.k));
    expect_as_reference(product, c_type);
    RC_ASSERT(!::testing::Test::HasFailure());
  });
}

TEST_P(GemmOn, CutsBothMatricesIntoPanels) {
  for (const Element type : {Element::fp32, Element::bf16, Element::fp16, Element::fp8_e4m3}) {
    for (const Element c_type : {Element::fp32, Element::bf16, Element::fp16}) {
      if (!required(type, c_type)) continue;
      expect_as_reference(Product(type, 33, 144, 528, Random(1, "panels")), c_type);
      if (type == Element::fp8_e4m3 && !subject().narrows_fp32) continue;
      expect_as_reference(Product(type, 70, 190, 513, Random(1, "panels")), c_type);
    }
  }
}

/// Sums of whole numbers that fp32 holds exactly: whatever the order, there is one result.
TEST_P(GemmOn, IsExactWhereNothingIsRounded) {
  for (const Element type : {Element::fp32, Element::bf16, Element::fp16, Element::fp8_e4m3}) {
    Product product(type, 5, 32, 64, Random(1, "whole"));
    Random random(1, "whole numbers");
    for (Tensor* tensor : {&product.a, &product.b}) {
      for (std::int64_t i = 0; i < tensor->count(); ++i) {
        tensor->set(i, static_cast<double>(random.below(7)) - 3);  // exact in fp8, too
      }
    }
    const Tensor c = product.run(*subject().one());
    for (std::int64_t i = 0; i < product.m; ++i) {
      for (std::int64_t j = 0; j < product.n; ++j) {
        double sum = 0;
        for (std::int64_t l = 0; l < product.k; ++l) {
          sum += product.a.at(i * product.k + l) * product.b.at(j * product.k + l);
        }
        ASSERT_EQ(c.at(i * product.n + j), sum) << i << ", " << j;
      }
    }
  }
}

/// Tf32 is right within its mantissa, or refused: never fp32 by another name.
TEST_P(GemmOn, TakesTf32OrSaysThatItDoesNot) {
  const Product product(Element::fp32, 17, 48, 96, Random(1, "tf32"));
  const auto set = subject().one();
  if (subject().narrows_fp32) {
    EXPECT_THROW(product.run(*set, Element::fp32, Multiply::tf32), Unsupported);
  } else {
    expect_as_reference(product, Element::fp32, Multiply::tf32);
    EXPECT_NE(product.run(*set, Element::fp32, Multiply::tf32), product.run(*set));
  }
}

TEST_P(GemmOn, RefusesTypesThatItCannotMultiply) {
  const Product product(Element::bf16, 2, 3, 4, Random(1, "types"));
  const auto fast = subject().one();
  EXPECT_NO_THROW(product.run(*fast));
  const proof::Placed memory(*fast, product.a);
  const Gemm good{{Element::bf16, memory.begin()},
                  {Element::bf16, memory.begin()},
                  {Element::fp32, memory.begin()},
                  2,
                  3,
                  4};
  const auto refused = [&](auto change) {
    Gemm op = good;
    change(op);
    EXPECT_THROW(static_cast<void>(fast->prepare(op)), InvariantViolation);
  };
  refused([](Gemm& op) { op.b.type = Element::fp32; });
  refused([](Gemm& op) { op.a.type = Element::fp8_e4m3; });
  refused([](Gemm& op) { op.c.type = Element::fp8_e4m3; });
  refused([](Gemm& op) { op.multiply = Multiply::tf32; });
  refused([](Gemm& op) { op.m = -1; });
  refused([](Gemm& op) { op.n = -1; });
  refused([](Gemm& op) { op.k = -1; });
}

INSTANTIATE_TEST_SUITE_P(Sets, GemmOn, ::testing::ValuesIn(tests::subjects()), tests::name_of);

}  // namespace
}  // namespace terrace::kernels
