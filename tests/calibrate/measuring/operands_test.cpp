#include "calibrate/measuring/operands.hpp"

#include <cmath>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <span>
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

/// Where slices of a measurement begin and end, in their order.
std::map<const std::byte*, const std::byte*> slices(Operands& operands, int count) {
  std::map<const std::byte*, const std::byte*> all;
  for (int i = 0; i < count; ++i) {
    const auto slice = operands.next(Element::bf16, 1000);
    const auto* begin = static_cast<const std::byte*>(slice.begin);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(begin) % 256, 0U);
    EXPECT_TRUE(all.emplace(begin, begin + 2000).second) << "twice";
  }
  return all;
}

TEST(Operands, HandNothingOutTwiceInAMeasurement) {
  kernels::ReferenceSet set;
  Operands operands(set, Bytes{64 << 10});
  const auto all = slices(operands, 100);  // of a pool that has room for 32
  for (auto one = all.begin(); std::next(one) != all.end(); ++one) {
    EXPECT_LE(one->second, std::next(one)->first);
  }
  operands.begin();
  const auto* first = operands.next(Element::bf16, 1000).begin;
  operands.begin();
  EXPECT_EQ(operands.next(Element::bf16, 1000).begin, first);
  EXPECT_EQ(operands.turns(Bytes{2000}), 33);
  EXPECT_EQ(operands.turns(Bytes{1 << 20}), 1);
}

TEST(Operands, KeepWhatTheyHandedOut) {
  kernels::ReferenceSet set;
  Operands operands(set, Bytes{4096});
  const auto numbers = [](const kernels::ConstArray& slice) {
    const auto* begin = slice.as<kernels::Bf16>();
    std::vector<float> all;
    for (int i = 0; i < 10; ++i) all.push_back(kernels::to_float(begin[i]));
    return all;
  };
  const auto small = operands.next(Element::bf16, 10);
  const std::span<std::byte> scratch = operands.scratch(Bytes{100});
  const std::vector<float> before = numbers(small);
  const auto large = operands.next(Element::bf16, 1 << 20);
  scratch[0] = std::byte{7};
  EXPECT_NE(operands.scratch(Bytes{1 << 20}).data(), scratch.data());
  EXPECT_NE(large.begin, small.begin);
  EXPECT_EQ(numbers(small), before);
  EXPECT_EQ(scratch[0], std::byte{7});
}

TEST(Operands, MakeRoomForAMeasurementAtOnce) {
  kernels::ReferenceSet set;
  Operands operands(set, Bytes{4096});
  operands.reserve(Element::bf16, 50, 1000);
  const auto* begin = static_cast<const std::byte*>(operands.pool(Element::bf16, 1).begin);
  const auto all = slices(operands, 50);
  EXPECT_EQ(all.begin()->first, begin);
  EXPECT_EQ(std::prev(all.end())->first, begin + std::ptrdiff_t{49} * 2048);
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
