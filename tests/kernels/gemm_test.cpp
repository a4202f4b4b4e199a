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

class GemmOn : public tests::OnEachSet {
 protected:
  void SetUp() override {
    tests::OnEachSet::SetUp();
    if (!subject().multiplies) GTEST_SKIP() << "its products are a library's";
  }

  static void expect_as_reference(const Product& product, Element c_type) {
    ReferenceSet reference;
    const Tensor expected = product.run(reference);
    // A sum of k products is off by less than k roundings of the sum of their absolute values, on
    // average k times that of two normal numbers, 2 / pi; and then C is rounded.
    const double sum = static_cast<double>(product.k) + 8;
    for (const tests::Alike& sets : subject().make()) {
      const Tensor actual = product.run(*sets.front(), c_type);
      for (std::int64_t i = 0; i < expected.count(); ++i) {
        const double tolerance =
            proof::unit_roundoff(c_type) * std::abs(expected.at(i)) + 0x1p-24 * sum * sum;
        ASSERT_TRUE(std::abs(actual.at(i) - expected.at(i)) <= tolerance)
            << "element " << i << ": " << actual.at(i) << " instead of " << expected.at(i);
      }
      for (const auto& set : sets) EXPECT_EQ(actual, product.run(*set, c_type));
    }
  }
};

TEST_P(GemmOn, IsWhatTheReferenceSays) {
  terrace::tests::for_all([](std::uint64_t seed) {
    const Product product(*rc::gen::element(Element::fp32, Element::bf16),
                          *rc::gen::element(0, 1, 2, 7, 31), *rc::gen::element(0, 1, 8, 13, 70),
                          *rc::gen::element(0, 1, 16, 17, 100), Random(seed, "gemm"));
    const auto c_type = *rc::gen::element(Element::fp32, Element::bf16);
    const bool narrows = product.a.view().type == Element::fp32 && c_type == Element::bf16;
    RC_PRE(subject().narrows_fp32 || !narrows);
    expect_as_reference(product, c_type);
    RC_ASSERT(!::testing::Test::HasFailure());
  });
}

TEST_P(GemmOn, CutsBothMatricesIntoPanels) {
  expect_as_reference(Product(Element::bf16, 70, 190, 513, Random(1, "panels")), Element::fp32);
  if (!subject().narrows_fp32) return;
  expect_as_reference(Product(Element::fp32, 33, 129, 300, Random(1, "panels")), Element::bf16);
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
  refused([](Gemm& op) { op.a.type = op.b.type = Element::fp16; });
  refused([](Gemm& op) { op.c.type = Element::fp8_e4m3; });
  refused([](Gemm& op) { op.k = -1; });
}

INSTANTIATE_TEST_SUITE_P(Sets, GemmOn, ::testing::ValuesIn(tests::subjects()), tests::name_of);

}  // namespace
}  // namespace terrace::kernels
