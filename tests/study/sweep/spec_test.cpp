#include "sim/study/sweep/spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/study/sweep/range.hpp"

namespace terrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> range(std::string_view text) {
  auto values = expand_range(text);
  EXPECT_TRUE(values.value) << text << ": " << values.why;
  return values.value.value_or(std::vector<std::string>{});
}

TEST(SweepRange, MultipliesFromEndToEnd) {
  EXPECT_THAT(range("1GiB..8GiB x2"), ElementsAre("1 GiB", "2 GiB", "4 GiB", "8 GiB"));
  EXPECT_THAT(range("512 MiB..2 GiB x2"), ElementsAre("512 MiB", "1 GiB", "2 GiB"));
  EXPECT_THAT(range("1..1000 x10"), ElementsAre("1", "10", "100", "1000"));
  EXPECT_THAT(range("1..10 x1.5"), ElementsAre("1", "1.5", "2.25", "3.375", "5.0625", "7.59375"));
}

TEST(SweepRange, AddsFromEndToEnd) {
  EXPECT_THAT(range("4..16 +4"), ElementsAre("4", "8", "12", "16"));
  EXPECT_THAT(range("0..7 +3"), ElementsAre("0", "3", "6"));
  EXPECT_THAT(range("-2..2 +2"), ElementsAre("-2", "0", "2"));
  EXPECT_THAT(range("0.1..0.5 +0.1"), ElementsAre("0.1", "0.2", "0.3", "0.4", "0.5"));
  EXPECT_THAT(range("10 ms..30 ms +10 ms"), ElementsAre("10 ms", "20 ms", "30 ms"));
  EXPECT_THAT(range("0.5 /s..1.5 /s +0.5 /s"), ElementsAre("0.5 /s", "1 /s", "1.5 /s"));
  EXPECT_THAT(range("0 B..2 GiB +1 GiB"), ElementsAre("0 B", "1 GiB", "2 GiB"));
  EXPECT_THAT(range("512GiB..2048GiB x2"), ElementsAre("512 GiB", "1024 GiB", "2048 GiB"));
}

TEST(SweepRange, TheBlankBeforeTheStepMayBeLeftOut) {
  EXPECT_EQ(range("1GiB..8GiBx2"), range("1GiB..8GiB x2"));
  EXPECT_EQ(range("4..16+4"), range("4..16 +4"));
  EXPECT_THAT(range("1e+2..1e+4x1e+1"), ElementsAre("100", "1000", "10000"));
  EXPECT_THAT(range("1e+2..3e+2+1e+2"), ElementsAre("100", "200", "300"));
}

TEST(SweepRange, ASingleValueIsARangeToo) { EXPECT_THAT(range("4..4 +1"), ElementsAre("4")); }

TEST(SweepRange, TheLastOfManyStepsIsStillHit) {
  EXPECT_EQ(range("0.1..100 +0.1").size(), 1000U);
  EXPECT_EQ(range("0.1..100 +0.1").back(), "100");
  EXPECT_EQ(range("1GiB..1TiB x1.4142135623730951").size(), 21U);
}

TEST(SweepRange, MistakesAreNamed) {
  const auto why = [](std::string_view text) {
    const auto values = expand_range(text);
    EXPECT_FALSE(values.value) << text;
    return values.why;
  };
  EXPECT_THAT(why("lru"), HasSubstr("FIRST..LAST"));
  EXPECT_THAT(why("1..2"), HasSubstr("FIRST..LAST"));
  EXPECT_THAT(why("4..64 -4"), HasSubstr("FIRST..LAST"));
  EXPECT_THAT(why("1..64 x1"), HasSubstr("x1 is not above 1"));
  EXPECT_THAT(why("1..64 x0.5"), HasSubstr("not above 1"));
  EXPECT_THAT(why("1..64 x-2"), HasSubstr("not above 1"));
  EXPECT_THAT(why("1..64 +0"), HasSubstr("+0 is not above 0"));
  EXPECT_THAT(why("1..64 +-4"), HasSubstr("not above 0"));
  EXPECT_THAT(why("64..1 x2"), HasSubstr("begins at '64', above its end '1'"));
  EXPECT_THAT(why("0..64 x2"), HasSubstr("leads nowhere"));
  EXPECT_THAT(why("1GiB..8 x2"), HasSubstr("no two numbers of one kind"));
  EXPECT_THAT(why("1GiB..8GiB +2"), HasSubstr("'2' lacks a unit"));
  EXPECT_THAT(why("1GiB..8GiB x2GiB"), HasSubstr("its factor"));
  EXPECT_THAT(why("0..1 +0.00001"), HasSubstr("over 10000 values"));
}

TEST(SweepRange, WithoutAStepHasAsManyPointsAsAsked) {
  const auto far = read_range("1..64", 7);
  EXPECT_THAT(far.value->values, ::testing::ElementsAre(1, 2, 4, 8, 16, 32, 64));
  const auto near = read_range("10 GiB .. 30GiB", 3);
  ASSERT_TRUE(near.value) << near.why;
  EXPECT_EQ(near.value->text(near.value->values[1]), "20 GiB");
  const auto odd = read_range("1..8", 4);
  EXPECT_EQ(odd.value->text(odd.value->values[2]), "4");
  EXPECT_FALSE(read_range("3..3", 4).value);
  EXPECT_FALSE(read_range("4..3", 4).value);
  EXPECT_FALSE(read_range("1..4").value);
  EXPECT_EQ(read_range("1..4 +1", 9).value->values.size(), 4U);
}

TEST(SweepRange, ARoundedNumberIsShortInItsUnit) {
  for (const char* range :
       {"1 GiB..100 GiB", "1 ms..1 s", "1 /s..100 /s", "0.5..9", "1 us..3 us"}) {
    const auto read = read_range(range, 9);
    ASSERT_TRUE(read.value) << read.why;
    for (const double value : read.value->values) {
      const double third = read.value->rounded(value / 3 * 4);
      EXPECT_NEAR(third, value / 3 * 4, 1e-4 * value) << range;
      EXPECT_LE(read.value->text(third).size(), 11U) << read.value->text(third);
    }
  }
}

}  // namespace
}  // namespace terrace
