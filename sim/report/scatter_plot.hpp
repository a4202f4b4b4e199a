#pragma once

#include <string>
#include <utility>
#include <vector>

namespace terrace {

/// Points in a plane, and the line on which they would lie if all were well.
struct ScatterPlot {
  enum class Line { zero, diagonal };  // y = 0, or y = x

  std::string title;
  std::string x_label;
  std::string y_label;
  Line line = Line::zero;
  bool logarithmic = false;  // both axes; every coordinate is positive then
  std::vector<std::pair<double, double>> points;
};

/// The plot as an SVG file that needs nothing else. The same plot gives the same bytes.
[[nodiscard]] std::string scatter_svg(const ScatterPlot& plot);

}  // namespace terrace
