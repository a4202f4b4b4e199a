#include "sim/report/scatter_plot.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>

#include <fmt/format.h>

#include "sim/report/svg.hpp"

namespace terrace {

std::string scatter_svg(const ScatterPlot& plot) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::array<double, 2> low = {kInfinity, kInfinity};
  std::array<double, 2> high = {-kInfinity, -kInfinity};
  const auto include = [&](std::size_t axis, double value) {
    low[axis] = std::min(low[axis], value);
    high[axis] = std::max(high[axis], value);
  };
  const bool diagonal = plot.line == ScatterPlot::Line::diagonal;
  for (const auto& [x, y] : plot.points) {
    include(0, x);
    include(1, y);
    if (diagonal) {  // both axes alike, so that the line is one
      include(0, y);
      include(1, x);
    }
  }
  if (plot.points.empty()) {
    include(0, 1);
    include(1, 1);
  }
  const bool level = plot.line == ScatterPlot::Line::level;
  if (level) include(1, plot.level);
  const svg::Axis x(low[0], high[0], svg::kLeft, svg::kRight, plot.logarithmic);
  const svg::Axis y(low[1], high[1], svg::kBottom, svg::kTop, plot.logarithmic);

  std::string text = svg::frame(640, svg::kHeight, plot.title, x, y);
  constexpr const char* kIdeal = "stroke=\"#555555\" stroke-dasharray=\"5 4\"";
  if (diagonal) {
    text += svg::line(svg::kLeft, svg::kBottom, svg::kRight, svg::kTop, kIdeal);
  } else if (level) {
    text += svg::line(svg::kLeft, y.pixel(plot.level), svg::kRight, y.pixel(plot.level), kIdeal);
  }
  text += "<g fill=\"#1f77b4\" fill-opacity=\"0.5\">\n";
  for (const auto& [px, py] : plot.points) {
    text +=
        fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>\n", x.pixel(px), y.pixel(py));
  }
  text += "</g>\n";
  return text + svg::labels(plot.x_label, plot.y_label);
}

}  // namespace terrace
