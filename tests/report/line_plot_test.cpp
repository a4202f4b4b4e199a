#include "sim/report/line_plot.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/report/svg_marks.hpp"

namespace terrace {
namespace {

using ::testing::AllOf;
using testing::circles;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// y = x and y = 100 x: straight and parallel on logarithmic axes.
TEST(LinePlot, PowersAreStraightAndFactorsAreDistances) {
  const LinePlot plot{
      "t", "x", "y", {{"one", {{1, 1}, {10, 10}, {100, 100}}}, {"two", {{1, 100}, {100, 1e4}}}}};
  const auto at = circles(line_svg(plot));
  ASSERT_EQ(at.size(), 5U);
  EXPECT_NEAR(at[1].first - at[0].first, at[2].first - at[1].first, 0.2);
  EXPECT_NEAR(at[1].second - at[0].second, at[2].second - at[1].second, 0.2);
  EXPECT_NEAR(at[0].second - at[3].second, at[2].second - at[4].second, 0.2);
  EXPECT_LT(at[2].second, at[0].second) << "up is more";
}

TEST(LinePlot, IsOneFileWithALegend) {
  const LinePlot plot{"a < b", "x", "y", {{"p & q", {{4096, 1e9}}}, {"r", {}}}};
  const std::string svg = line_svg(plot);
  EXPECT_THAT(svg, AllOf(StartsWith("<svg xmlns="), EndsWith("</svg>\n"), HasSubstr("a &lt; b"),
                         HasSubstr(">p &amp; q<"), HasSubstr(">r<"), Not(HasSubstr("nan")),
                         Not(HasSubstr("inf")), Not(HasSubstr("href"))));
  EXPECT_EQ(svg, line_svg(plot));
  EXPECT_THAT(line_svg({"t", "x", "y", {}}), AllOf(EndsWith("</svg>\n"), Not(HasSubstr("nan"))));
}

}  // namespace
}  // namespace terrace
