#include "sim/report/scatter_plot.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string_view>

#include <fmt/format.h>

#include "sim/base/portable_math.hpp"

namespace terrace {
namespace {

constexpr double kLeft = 80;  // pixels
constexpr double kRight = 620;
constexpr double kTop = 40;
constexpr double kBottom = 410;
constexpr double kMostTicks = 8;

/// Maps values to pixels.
class Axis {
 public:
  Axis(double low, double high, double first_pixel, double last_pixel, bool logarithmic)
      : logarithmic_(logarithmic), first_(first_pixel), last_(last_pixel) {
    if (logarithmic) {
      const double margin = low < high ? portable::pow(high / low, 0.05) : 2;
      low_ = low / margin;
      high_ = high * margin;
      mark_decades();
    } else {
      const double margin = low < high ? 0.05 * (high - low) : std::max(1.0, std::abs(high));
      low_ = low - margin;
      high_ = high + margin;
      mark_steps();
    }
  }

  [[nodiscard]] double pixel(double value) const {
    const double part = logarithmic_ ? portable::ln(value / low_) / portable::ln(high_ / low_)
                                     : (value - low_) / (high_ - low_);
    return first_ + part * (last_ - first_);
  }
  [[nodiscard]] const std::vector<double>& ticks() const { return ticks_; }
  [[nodiscard]] double low() const { return low_; }
  [[nodiscard]] double high() const { return high_; }

 private:
  /// 1, 2, 5 and 10 times a power of ten, whichever is coarse enough.
  void mark_steps() {
    double step = 1;
    while (step * kMostTicks < high_ - low_) step *= 10;
    while (step / 10 * kMostTicks >= high_ - low_) step /= 10;
    for (const double finer : {5.0, 2.0}) {
      if (step / finer * kMostTicks < high_ - low_) continue;
      step /= finer;
      break;
    }
    for (double k = std::ceil(low_ / step); k * step <= high_; ++k) ticks_.push_back(k * step);
  }

  void mark_decades() {
    double decade = 1;
    while (decade > low_) decade /= 10;
    while (decade * 10 <= low_) decade *= 10;
    const bool fine = high_ / low_ < 1000;
    for (; decade <= high_; decade *= 10) {
      for (const double k : {1.0, 2.0, 5.0}) {
        if (k > 1 && !fine) continue;
        if (k * decade >= low_ && k * decade <= high_) ticks_.push_back(k * decade);
      }
    }
  }

  bool logarithmic_;
  double first_;
  double last_;
  double low_ = 0;
  double high_ = 0;
  std::vector<double> ticks_;
};

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (static_cast<unsigned char>(c) >= 0x20) {
      out += c;
    }
  }
  return out;
}

/// A tick without the noise of its last digits.
std::string label(double value) { return fmt::format("{:.6g}", value == 0 ? 0.0 : value); }

std::string line(double x1, double y1, double x2, double y2, const char* look) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1, y1,
                     x2, y2, look);
}

}  // namespace

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
  const Axis x(low[0], high[0], kLeft, kRight, plot.logarithmic);
  const Axis y(low[1], high[1], kBottom, kTop, plot.logarithmic);

  std::string svg =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 470\" width=\"640\" "
      "height=\"470\" font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"640\" height=\"470\" fill=\"white\"/>\n";
  svg += fmt::format("<text x=\"{}\" y=\"22\" font-size=\"14\">{}</text>\n", kLeft,
                     escaped(plot.title));
  constexpr const char* kGrid = "stroke=\"#dddddd\"";
  for (const double tick : x.ticks()) {
    const double at = x.pixel(tick);
    svg += line(at, kTop, at, kBottom, kGrid);
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", at,
                       kBottom + 18, label(tick));
  }
  for (const double tick : y.ticks()) {
    const double at = y.pixel(tick);
    svg += line(kLeft, at, kRight, at, kGrid);
    svg += fmt::format("<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n", kLeft - 6,
                       at + 4, label(tick));
  }
  constexpr const char* kIdeal = "stroke=\"#555555\" stroke-dasharray=\"5 4\"";
  if (diagonal) {
    svg += line(kLeft, kBottom, kRight, kTop, kIdeal);
  } else if (level) {
    svg += line(kLeft, y.pixel(plot.level), kRight, y.pixel(plot.level), kIdeal);
  }
  svg += "<g fill=\"#1f77b4\" fill-opacity=\"0.5\">\n";
  for (const auto& [px, py] : plot.points) {
    svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>\n", x.pixel(px), y.pixel(py));
  }
  svg += "</g>\n";
  svg += fmt::format("<text x=\"{}\" y=\"450\" text-anchor=\"middle\">{}</text>\n",
                     (kLeft + kRight) / 2, escaped(plot.x_label));
  svg += fmt::format(
      "<text transform=\"translate(18 {}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
      (kTop + kBottom) / 2, escaped(plot.y_label));
  return svg + "</svg>\n";
}

}  // namespace terrace
