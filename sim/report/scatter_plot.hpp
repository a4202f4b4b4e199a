#pragma once

#include <string>
#include <utility>
#include <vector>

namespace terrace {

/// Points in a plane, and the line on which they would lie, or below which, if all were well.
struct ScatterPlot {
  enum class Line { none, level, diagonal };  // y = level, y = x

  std::string title;
  std::string x_label;
  std::string y_label;
  Line line = Line::none;
  bool logarithmic = false;  // both axes; every coordinate and the level are positive then
  std::vector<std::pair<double, double>> points;
  double level = 0;
};

/// The plot as an SVG file that needs nothing else. The same plot gives the same bytes.
[[nodiscard]] std::string scatter_svg(const ScatterPlot& plot);

}  // namespace terrace
