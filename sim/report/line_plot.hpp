#pragma once

#include <string>
#include <utility>
#include <vector>

namespace terrace {

/// Lines in a plane, both axes logarithmic.
struct LinePlot {
  struct Line {
    std::string name;
    std::vector<std::pair<double, double>> points;  // positive, from left to right
  };

  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<Line> lines;
};

/// The plot with a legend, as an SVG file that needs nothing else. The same plot gives the same
/// bytes.
[[nodiscard]] std::string line_svg(const LinePlot& plot);

}  // namespace terrace
