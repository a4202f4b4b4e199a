#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace terrace {

/// What a fitted law leaves of measured times, ln(measured / law), over four positive counts: two
/// that say the shape of a kernel (of a matrix, of the heads) and two that vary from call to call
/// (tokens, sequences, lengths). Measured places keep what was measured. Between and beyond them
/// stands the best linear estimate from the nearest measured ones under the covariance
///
///   exp(-sum over i of weight_i |ln x_i - ln y_i|),  plus `noise` where x = y
///
/// and with the mean of all (simple kriging [Matheron 1963]). So gaps are filled from all sides,
/// near shapes help, and far from measurements the law stays, times what it is off by on the whole:
/// it extrapolates better than its residuals do.
class ResidualTable {
 public:
  using Pair = std::array<double, 2>;

  struct Point {
    Pair shape{1, 1};
    Pair call{1, 1};
    double residual = 0;

    friend auto operator<=>(const Point&, const Point&) = default;
  };

  /// How fast points cease to resemble each other: per factor e of each count.
  struct Spread {
    Pair shape{0.1, 0.1};
    Pair call{0.2, 0.2};
    double noise = 0.03;  // variance of one measurement, over that of the residuals
  };

  struct Looked {
    double factor = 1;  // that the law is off by
    bool extrapolated = false;
  };

  /// The table for one shape, measured or not: a grid over all the calls' counts, between which
  /// residuals are linear in logs. Beyond it they fade from what its edge has, as the covariance
  /// does.
  class Shape {
   public:
    /// About 100 ns. Says `extrapolated` off the grid, and where no measured point is near: none
    /// whose covariance with the place is above 2/3. REQUIRES: counts > 0.
    [[nodiscard]] Looked at(double call0, double call1) const;

   private:
    friend class ResidualTable;
    std::array<std::vector<double>, 2> axes_;  // ln of the counts
    std::vector<double> residuals_;            // by axis 0, then 1
    std::vector<bool> far_;
    Pair spread_{};
    double mean_ = 0;
  };

  /// Which measurements not to look at, to see how well the others foretell them.
  enum class Without : std::uint8_t { nothing, point, shape };

  /// REQUIRES: points, no two in one place; all counts > 0.
  ResidualTable(std::vector<Point> points, const Spread& spread);

  /// O(grid points * points): some milliseconds. REQUIRES: counts > 0.
  [[nodiscard]] Shape shape(double shape0, double shape1) const;

  /// The residual at a place, as shape() has it where the grid has the place. REQUIRES: points
  /// left.
  [[nodiscard]] double estimate(const Pair& shape, const Pair& call,
                                Without without = Without::nothing) const;

  [[nodiscard]] std::span<const Point> points() const { return points_; }

 private:
  using Place = std::array<double, 4>;  // ln of the counts, times their weights

  struct Found {
    double residual = 0;
    double distance = 0;  // of the nearest point
  };

  [[nodiscard]] Place place(const Pair& shape, const Pair& call) const;
  [[nodiscard]] Found find(const Place& at, Without without) const;

  Spread spread_;
  std::vector<Point> points_;                  // sorted
  std::vector<Place> places_;                  // of the points
  double sum_ = 0;                             // of the residuals
  std::array<std::vector<double>, 2> counts_;  // of the calls, sorted
};

}  // namespace terrace
