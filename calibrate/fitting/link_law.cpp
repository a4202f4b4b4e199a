#include "calibrate/fitting/link_law.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "calibrate/fitting/least_squares.hpp"
#include "sim/base/check.hpp"

namespace terrace::calibrate {
namespace {

using forms::Unit;

constexpr std::array<std::string_view, 2> kSizes = {"below 1 MiB", "from 1 MiB"};
constexpr double kLarge = 1 << 20U;
constexpr double kVeryStrong = 10;  // evidence for a second piece
constexpr double kExact = 1e-8;     // a mean cost below which fits differ by rounding alone

/// latency + size / bandwidth, and where such a law begins that only shrinks from point to point.
struct Line {
  std::span<const double> sizes;
  std::span<const double> seconds;

  [[nodiscard]] double latency() const { return *std::min_element(seconds.begin(), seconds.end()); }
  [[nodiscard]] double bandwidth() const {
    double best = 1e6;
    for (std::size_t i = 0; i < sizes.size(); ++i) best = std::max(best, sizes[i] / seconds[i]);
    return best;
  }
};

double line(std::span<const double> p, double size) { return p[0] + size / p[1]; }

}  // namespace

LinkLawFit fit_link_law(std::span<const CopyPoint> points, std::string_view name) {
  std::vector<double> sizes;
  std::vector<double> measured;
  std::vector<std::uint32_t> regime;
  for (const CopyPoint& point : points) {
    sizes.push_back(static_cast<double>(point.size.count()));
    measured.push_back(point.seconds);
    regime.push_back(sizes.back() < kLarge ? 0U : 1U);
  }
  const Line start{sizes, measured};
  const std::array<forms::Parameter, 2> parameters = {
      {{"latency", Unit::time, 1e-10, 1, points.empty() ? 1e-6 : start.latency(), "of a copy"},
       {"bandwidth", Unit::bandwidth, 1e6, 1e14, start.bandwidth(), "of large copies"}}};
  const auto seconds = [&](std::span<const double> p, std::size_t i) { return line(p, sizes[i]); };
  LinkLawFit result;
  result.fit = fit_law({name, parameters, measured, seconds, regime, kSizes});
  result.latency = duration_from_seconds(result.fit.parameters[0].value);
  result.bandwidth = Bandwidth{result.fit.parameters[1].value};
  return result;
}

namespace {

/// A law of one piece or of two, over the same points.
class Pieces {
 public:
  explicit Pieces(std::span<const BlockPoint> points) {
    for (const BlockPoint& point : points) {
      TERRACE_CHECK(point.blocks >= 1);
      sizes_.push_back(static_cast<double>(point.size.count()));
      seconds_.push_back(point.seconds / static_cast<double>(point.blocks));
    }
  }

  [[nodiscard]] std::span<const double> seconds() const { return seconds_; }

  /// Sizes at which the large piece may begin.
  [[nodiscard]] std::vector<double> cutoffs() const {
    const std::set<double> distinct(sizes_.begin(), sizes_.end());
    std::vector<double> all(distinct.begin(), distinct.end());
    if (all.size() < 4) return {};
    return {all.begin() + 2, all.end() - 1};
  }

  /// Fixed part and bandwidth of one piece, or of both.
  [[nodiscard]] std::vector<forms::Parameter> parameters(bool two) const {
    const Line start{sizes_, seconds_};
    const double fixed = seconds_.empty() ? 1e-6 : start.latency();
    const double rate = start.bandwidth();
    std::vector<forms::Parameter> all = {
        {"small_fixed", Unit::time, 1e-10, 1, fixed, "per small block"},
        {"small_bandwidth", Unit::bandwidth, 1e6, 1e14, rate, "of the rest of a small block"}};
    if (!two) return all;
    all.push_back({"large_fixed", Unit::time, 1e-10, 1, fixed, "per large block"});
    all.push_back({"large_bandwidth", Unit::bandwidth, 1e6, 1e14, rate, "of a large block"});
    return all;
  }

  [[nodiscard]] double predict(std::span<const double> p, std::size_t i, double cutoff) const {
    return line(sizes_[i] < cutoff ? p : p.last(2), sizes_[i]);
  }

  [[nodiscard]] LawFit fit(std::string_view name, double cutoff) const {
    const std::vector<forms::Parameter> all = parameters(std::isfinite(cutoff));
    const auto seconds = [&](std::span<const double> p, std::size_t i) {
      return predict(p, i, cutoff);
    };
    return fit_law({name, all, seconds_, seconds});
  }

  /// Bayes's information criterion of the best law with that cut-off; infinity: of one piece.
  [[nodiscard]] double criterion(double cutoff) const {
    const bool two = std::isfinite(cutoff);
    const std::vector<forms::Parameter> all = parameters(two);
    const Cut law(*this, cutoff);
    const double cost = solve({&law, all, seconds_}, Sample::all(seconds_.size()), 1).cost;
    const auto n = static_cast<double>(seconds_.size());
    return n * std::log(std::max(cost / n, kExact)) + (two ? 5 : 2) * std::log(n);
  }

 private:
  class Cut final : public Law {
   public:
    Cut(const Pieces& pieces, double cutoff) : pieces_(pieces), cutoff_(cutoff) {}
    void seconds(std::span<const double> parameters, std::span<const std::uint32_t> which,
                 std::span<double> out) const override {
      for (std::size_t i = 0; i < which.size(); ++i) {
        out[i] = pieces_.predict(parameters, which[i], cutoff_);
      }
    }

   private:
    const Pieces& pieces_;
    double cutoff_;
  };

  std::vector<double> sizes_;
  std::vector<double> seconds_;  // of one block
};

}  // namespace

DescriptorLawFit fit_descriptor_law(std::span<const BlockPoint> points, std::string_view name) {
  const Pieces pieces(points);
  double cutoff = std::numeric_limits<double>::infinity();
  if (points.size() >= 5) {
    double best = pieces.criterion(cutoff) - kVeryStrong;
    for (const double tried : pieces.cutoffs()) {
      const double found = pieces.criterion(tried);
      if (found < best) cutoff = tried;
      best = std::min(best, found);
    }
  }
  DescriptorLawFit result;
  result.fit = pieces.fit(name, cutoff);
  std::vector<FittedParameter>& p = result.fit.parameters;
  if (std::isfinite(cutoff)) {
    result.law.cutoff = Bytes{static_cast<std::int64_t>(cutoff)};
  } else {
    p.insert(p.end(), {p[0], p[1]});
  }
  result.law.small_fixed = duration_from_seconds(p[0].value);
  result.law.small_bandwidth = Bandwidth{p[1].value};
  result.law.large_fixed = duration_from_seconds(p[2].value);
  result.law.large_bandwidth = Bandwidth{p[3].value};
  return result;
}

MemcpyLawFit fit_memcpy_law(std::span<const MemcpyPoint> points) {
  std::vector<double> measured;  // seconds per byte
  double one = 1e6;
  double all = 1e6;
  double least = std::numeric_limits<double>::infinity();
  for (const MemcpyPoint& point : points) {
    TERRACE_CHECK(point.threads >= 1);
    measured.push_back(1 / point.rate.count());
    one = std::max(one, point.rate.count() / static_cast<double>(point.threads));
    all = std::max(all, point.rate.count());
    least = std::min(least, point.rate.count());
  }
  // Where no number of threads was too many, the most that was seen is all that is known.
  const std::array<forms::Parameter, 2> parameters = {
      {{"per_thread", Unit::bandwidth, 1e6, 1e14, one, "copied by one thread"},
       {"total", Unit::bandwidth, std::min(least, 0.5 * all), all, 0.95 * all,
        "copied by any number of threads"}}};
  const auto seconds = [&](std::span<const double> p, std::size_t i) {
    return 1 / std::min(static_cast<double>(points[i].threads) * p[0], p[1]);
  };
  MemcpyLawFit result;
  result.fit = fit_law({"copies within the host", parameters, measured, seconds});
  result.per_thread = Bandwidth{result.fit.parameters[0].value};
  result.total = Bandwidth{result.fit.parameters[1].value};
  return result;
}

}  // namespace terrace::calibrate
