#include "sim/report/scatter_plot.hpp"

#include <string>
#include <utility>
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

TEST(ScatterPlot, IsOneFileThatNeedsNothingElse) {
  const std::string svg =
      scatter_svg({"a < b & c", "x", "y", ScatterPlot::Line::level, false, {{1, 2}, {3, -4}}});
  EXPECT_THAT(svg, AllOf(StartsWith("<svg xmlns="), EndsWith("</svg>\n"),
                         HasSubstr("a &lt; b &amp; c"), HasSubstr("stroke-dasharray"),
                         Not(HasSubstr("href")), Not(HasSubstr("nan")), Not(HasSubstr("inf"))));
  EXPECT_EQ(circles(svg).size(), 2U);
}

TEST(ScatterPlot, ALinearAxisIsLinear) {
  const auto points = circles(scatter_svg(
      {"", "", "", ScatterPlot::Line::level, false, {{0, 0}, {1, 10}, {2, 20}, {4, 40}}}));
  ASSERT_EQ(points.size(), 4U);
  EXPECT_NEAR(points[1].first - points[0].first, points[2].first - points[1].first, 0.2);
  EXPECT_NEAR(points[3].first - points[0].first, 4 * (points[1].first - points[0].first), 0.4);
  EXPECT_NEAR(points[3].second - points[0].second, 4 * (points[1].second - points[0].second), 0.4);
  EXPECT_LT(points[3].second, points[0].second) << "up is more";
}

TEST(ScatterPlot, EqualCoordinatesLieOnTheDiagonal) {
  const std::string svg = scatter_svg({"",
                                       "",
                                       "",
                                       ScatterPlot::Line::diagonal,
                                       true,
                                       {{0.01, 0.01}, {1, 1}, {100, 100}, {0.01, 100}}});
  EXPECT_THAT(svg,
              HasSubstr("x1=\"80.0\" y1=\"410.0\" x2=\"620.0\" y2=\"40.0\" stroke=\"#555555\""));
  const auto points = circles(svg);
  for (std::size_t i = 0; i < 3; ++i) {
    const double along_x = (points[i].first - 80) / (620 - 80);
    const double along_y = (410 - points[i].second) / (410 - 40);
    EXPECT_NEAR(along_x, along_y, 0.001);
  }
  EXPECT_NEAR(points[1].first - points[0].first, points[2].first - points[1].first, 0.2)
      << "a hundredfold is as far everywhere";
}

TEST(ScatterPlot, OnePointAndNoneArePlotsToo) {
  for (const bool logarithmic : {false, true}) {
    for (const auto& points : std::vector<std::vector<std::pair<double, double>>>{{}, {{5, 5}}}) {
      const auto line = logarithmic ? ScatterPlot::Line::diagonal : ScatterPlot::Line::level;
      const std::string svg = scatter_svg({"t", "x", "y", line, logarithmic, points});
      EXPECT_THAT(svg, AllOf(Not(HasSubstr("nan")), Not(HasSubstr("inf"))));
      EXPECT_EQ(circles(svg).size(), points.size());
    }
  }
}

TEST(ScatterPlot, ALevelIsWhereItSays) {
  ScatterPlot plot{"", "", "", ScatterPlot::Line::level, true, {{1, 0.01}, {100, 10}}, 1};
  EXPECT_THAT(scatter_svg(plot), HasSubstr("stroke-dasharray"));
  plot.line = ScatterPlot::Line::none;
  EXPECT_THAT(scatter_svg(plot), ::testing::Not(HasSubstr("stroke-dasharray")));
}

}  // namespace
}  // namespace terrace
