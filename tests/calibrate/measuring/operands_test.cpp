#include "calibrate/measuring/operands.hpp"

#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "calibrate/measuring/families/attention.hpp"
#include "kernels/reference/reference_set.hpp"

namespace terrace::calibrate {
namespace {

using kernels::Element;

TEST(Operands, AreDrawnFromTheNormalDistribution) {
  kernels::ReferenceSet set;
  Operands operands(set, Bytes{1 << 20});
  for (const Element type : {Element::fp32, Element::bf16, Element::fp8_e4m3}) {
    constexpr std::int64_t kCount = 200'000;
    const auto pool = operands.pool(type, kCount);
    double sum = 0;
    double squares = 0;
    kernels::with_elements(pool, [&](const auto* x) {
      for (std::int64_t i = 0; i < kCount; ++i) {
        const double value = static_cast<double>(kernels::to_float(x[i]));
        sum += value;
        squares += value * value;
      }
    });
    EXPECT_NEAR(sum / kCount, 0, 0.02);
    EXPECT_NEAR(squares / kCount, 1, 0.03);
  }
}

TEST(Operands, GoRoundThePoolBeforeAnythingComesAgain) {
  kernels::ReferenceSet set;
  Operands operands(set, Bytes{64 << 10});
  std::set<const void*> seen;
  const auto* begin = static_cast<const std::byte*>(operands.pool(Element::bf16, 1).begin);
  std::int64_t slices = 0;
  for (;; ++slices) {
    const auto slice = operands.next(Element::bf16, 1000);  // 2000 bytes of 65536
    const auto offset = static_cast<const std::byte*>(slice.begin) - begin;
    EXPECT_EQ(offset % 256, 0);
    EXPECT_LE(offset + 2000, 64 << 10);
    if (!seen.insert(slice.begin).second) break;
  }
  EXPECT_EQ(slices, 32);
  EXPECT_EQ(operands.turns(Bytes{2000}), 33);
  EXPECT_EQ(operands.turns(Bytes{1 << 20}), 1);
}

TEST(Operands, GrowForALargeCall) {
  kernels::ReferenceSet set;
  Operands operands(set, Bytes{4096});
  static_cast<void>(operands.next(Element::bf16, 10));
  const auto large = operands.next(Element::bf16, 1 << 20);
  const auto* last = large.as<kernels::Bf16>() + (1 << 20) - 1;
  EXPECT_TRUE(std::isfinite(kernels::to_float(*last)));
  EXPECT_GE(operands.scratch(Bytes{100}).size(), 4096U);
  EXPECT_GE(operands.scratch(Bytes{100'000}).size(), 100'000U);
}

TEST(Operands, LetCallsTakeTurns) {
  kernels::ReferenceSet set;
  Operands operands(set, Bytes{4096});
  std::vector<int> made;
  std::vector<kernels::Start> calls;
  for (int i = 0; i < 3; ++i) calls.emplace_back([&made, i] { made.push_back(i); });
  const Sample sample = operands.time(calls, {.batches = 4, .batch_seconds = 1e-5});
  EXPECT_GE(made.size(), 12U);
  for (std::size_t i = 0; i < made.size(); ++i) ASSERT_EQ(made[i], static_cast<int>(i % 3)) << i;
  EXPECT_EQ(sample.n, 4);
}

TEST(PageTurns, ReadOtherPagesEveryTime) {
  const std::vector<std::int32_t> lengths = {40, 1, 0, 16, 17};  // 3 + 1 + 0 + 1 + 2 pages
  EXPECT_EQ(family::PageTurns::pages(lengths), 7);
  const family::PageTurns turns(lengths, 30, 100, 1);
  EXPECT_EQ(turns.count(), 4U);
  std::set<std::int32_t> pages;
  std::vector<std::int32_t> order;
  for (std::size_t turn = 0; turn < turns.count(); ++turn) {
    const kernels::BlockTable table = turns.table(turn);
    EXPECT_EQ(table.width, 3);
    ASSERT_EQ(table.blocks.size(), 15U);
    for (std::size_t s = 0; s < lengths.size(); ++s) {
      for (std::int64_t b = 0; b * family::kPage < lengths[s]; ++b) {
        order.push_back(table.blocks[s * 3 + static_cast<std::size_t>(b)]);
        EXPECT_TRUE(pages.insert(order.back()).second) << "twice";
        EXPECT_LT(order.back(), 30);
      }
    }
  }
  EXPECT_EQ(pages.size(), 28U);
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(family::PageTurns(lengths, 30, 2, 1).count(), 2U);
}

}  // namespace
}  // namespace terrace::calibrate
