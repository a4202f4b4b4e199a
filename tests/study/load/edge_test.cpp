// Where a yes turns to a no, for answers worked by hand.

#include "sim/study/load/edge.hpp"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/for_all.hpp"

namespace terrace {
namespace {

TEST(Edge, IsFoundFromAnywhereToThePrecisionAsked) {
  tests::for_all([] {
    const double edge = std::exp(0.01 * *rc::gen::inRange(-1000, 1000));
    const double start = std::exp(0.01 * *rc::gen::inRange(-1000, 1000));
    const double precision = *rc::gen::element(0.001, 0.02, 0.3);
    const double step = *rc::gen::element(1.01, 1.08, 2.0, 5.0);
    int asked = 0;
    const auto found = find_edge({start, step, 0x1p-16, 0x1p16, precision}, [&](double x) {
      ++asked;
      return std::optional(x < edge);
    });
    RC_ASSERT(found && found->yes && found->no);
    RC_ASSERT(*found->yes < edge && *found->no >= edge);
    RC_ASSERT(*found->no <= *found->yes * (1 + precision));
    RC_ASSERT(asked < 60);
  });
}

TEST(Edge, IsMissingWhereTheAnswerIsAlwaysTheSame) {
  const auto always = [](bool answer) {
    return *find_edge({1, 2, 0.125, 8, 0.02}, [=](double) { return std::optional(answer); });
  };
  EXPECT_EQ(always(true).yes, 8);
  EXPECT_FALSE(always(true).no);
  EXPECT_EQ(always(false).no, 0.125);
  EXPECT_FALSE(always(false).yes);
}

// Latencies need not grow with the load: what holds is what the rule promises, a yes with a no at
// most so much above it.
TEST(Edge, OfAnswersThatGoBackAndForthIsOneOfTheirEdges) {
  const auto answer = [](double x) { return x < 3 || (x > 5 && x < 6); };
  for (const double start : {0.1, 1.0, 2.9, 4.0, 5.5, 20.0}) {
    const auto found = find_edge({start, 2, 0x1p-16, 0x1p16, 0.02},
                                 [&](double x) { return std::optional(answer(x)); });
    EXPECT_TRUE(answer(*found->yes));
    EXPECT_FALSE(answer(*found->no));
    EXPECT_LE(*found->no, *found->yes * 1.02);
    EXPECT_GT(*found->no, *found->yes);
  }
}

TEST(Edge, SearchingEndsWhenToldTo) {
  int asked = 0;
  EXPECT_FALSE(
      find_edge({}, [&](double) { return ++asked < 4 ? std::optional(true) : std::nullopt; }));
  EXPECT_EQ(asked, 4);
}

}  // namespace
}  // namespace terrace
