#include "sim/report/svg.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "sim/base/portable_math.hpp"

namespace terrace::svg {
namespace {

constexpr double kMostTicks = 8;

/// A tick without the noise of its last digits.
std::string label(double value) { return fmt::format("{:.6g}", value == 0 ? 0.0 : value); }

}  // namespace

Axis::Axis(double low, double high, double first_pixel, double last_pixel, bool logarithmic)
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

double Axis::pixel(double value) const {
  const double part = logarithmic_ ? portable::ln(value / low_) / portable::ln(high_ / low_)
                                   : (value - low_) / (high_ - low_);
  return first_ + part * (last_ - first_);
}

/// 1, 2, 5 and 10 times a power of ten, whichever is coarse enough.
void Axis::mark_steps() {
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

void Axis::mark_decades() {
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

std::string line(double x1, double y1, double x2, double y2, const char* look) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1, y1,
                     x2, y2, look);
}

std::string frame(double width, double height, std::string_view title, const Axis& x,
                  const Axis& y) {
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n",
      width, height);
  svg += fmt::format("<text x=\"{}\" y=\"22\" font-size=\"14\">{}</text>\n", kLeft, escaped(title));
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
  return svg;
}

std::string labels(std::string_view x, std::string_view y) {
  std::string svg = fmt::format("<text x=\"{}\" y=\"450\" text-anchor=\"middle\">{}</text>\n",
                                (kLeft + kRight) / 2, escaped(x));
  svg += fmt::format(
      "<text transform=\"translate(18 {}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
      (kTop + kBottom) / 2, escaped(y));
  return svg + "</svg>\n";
}

}  // namespace terrace::svg
