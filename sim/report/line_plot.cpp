#include "sim/report/line_plot.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>

#include <fmt/format.h>

#include "sim/report/svg.hpp"

namespace terrace {
namespace {

constexpr double kLegend = 640;  // its left edge
constexpr double kWidth = 900;
constexpr double kLineHeight = 18;

/// Ten colours, then the same with dashes, then with dots.
std::string look(std::size_t line) {
  constexpr std::array<const char*, 10> kColours = {"#1f77b4", "#ff7f0e", "#2ca02c", "#d62728",
                                                    "#9467bd", "#8c564b", "#e377c2", "#7f7f7f",
                                                    "#bcbd22", "#17becf"};
  constexpr std::array<const char*, 3> kDashes = {"", " stroke-dasharray=\"6 3\"",
                                                  " stroke-dasharray=\"2 2\""};
  return fmt::format("stroke=\"{}\"{}", kColours[line % kColours.size()],
                     kDashes[line / kColours.size() % kDashes.size()]);
}

struct Span {
  double low = std::numeric_limits<double>::infinity();
  double high = 0;

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

}  // namespace

std::string line_svg(const LinePlot& plot) {
  Span xs;
  Span ys;
  for (const LinePlot::Line& line : plot.lines) {
    for (const auto& [x, y] : line.points) {
      xs.include(x);
      ys.include(y);
    }
  }
  if (xs.high == 0) xs = ys = {1, 1};  // nothing to show
  const svg::Axis x(xs.low, xs.high, svg::kLeft, svg::kRight, true);
  const svg::Axis y(ys.low, ys.high, svg::kBottom, svg::kTop, true);
  const double legend = svg::kTop + kLineHeight * static_cast<double>(plot.lines.size());
  std::string text = svg::frame(kWidth, std::max(svg::kHeight, legend), plot.title, x, y);
  for (std::size_t i = 0; i < plot.lines.size(); ++i) {
    const std::string colour = look(i);
    std::string path;
    for (const auto& [px, py] : plot.lines[i].points) {
      path += fmt::format("{}{:.1f},{:.1f}", path.empty() ? "" : " ", x.pixel(px), y.pixel(py));
    }
    // A marker in the middle shows what has one point only.
    text += fmt::format(
        "<polyline points=\"{}\" fill=\"none\" stroke-width=\"2\" stroke-linecap=\"round\" {}/>\n",
        path, colour);
    for (const auto& [px, py] : plot.lines[i].points) {
      text += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\" fill=\"none\" {}/>\n",
                          x.pixel(px), y.pixel(py), colour);
    }
    const double at = svg::kTop + kLineHeight * static_cast<double>(i);
    text += svg::line(kLegend, at, kLegend + 20, at, (colour + " stroke-width=\"2\"").c_str());
    text += fmt::format("<text x=\"{}\" y=\"{:.1f}\">{}</text>\n", kLegend + 26, at + 4,
                        svg::escaped(plot.lines[i].name));
  }
  return text + svg::labels(plot.x_label, plot.y_label);
}

}  // namespace terrace
