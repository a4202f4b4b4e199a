#pragma once

#include <string>
#include <string_view>
#include <vector>

// What the plots of this folder are drawn with.
namespace terrace::svg {

// The square of the data, in pixels.
constexpr double kLeft = 80;
constexpr double kRight = 620;
constexpr double kTop = 40;
constexpr double kBottom = 410;

/// Maps values to pixels.
class Axis {
 public:
  Axis(double low, double high, double first_pixel, double last_pixel, bool logarithmic);

  [[nodiscard]] double pixel(double value) const;
  [[nodiscard]] const std::vector<double>& ticks() const { return ticks_; }

 private:
  void mark_steps();
  void mark_decades();

  bool logarithmic_;
  double first_;
  double last_;
  double low_ = 0;
  double high_ = 0;
  std::vector<double> ticks_;
};

/// Text between tags.
[[nodiscard]] std::string escaped(std::string_view text);

[[nodiscard]] std::string line(double x1, double y1, double x2, double y2, const char* look);

constexpr double kHeight = 470;  // of what is drawn around it, too

/// The head of a file of that size, its title, and a grid with the axes' ticks.
[[nodiscard]] std::string frame(double width, double height, std::string_view title, const Axis& x,
                                const Axis& y);

/// What the axes are called, and the end of the file.
[[nodiscard]] std::string labels(std::string_view x, std::string_view y);

}  // namespace terrace::svg
