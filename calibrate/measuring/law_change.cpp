#include "calibrate/measuring/law_change.hpp"

#include <cmath>

#include "sim/base/check.hpp"

namespace terrace::calibrate {
namespace {

constexpr double kSame = 1.25;

/// The line through two times, the first of which is nearer to where it is asked for. Noise may
/// make it fall below none, or with the size: then it goes through the first and through none.
class Line {
 public:
  Line(const TimedSize& near, const TimedSize& far) {
    const auto size = [](const TimedSize& one) { return static_cast<double>(one.size.count()); };
    slope_ = (far.seconds - near.seconds) / (size(far) - size(near));
    fixed_ = near.seconds - slope_ * size(near);
    if (slope_ > 0 && fixed_ >= 0) return;
    fixed_ = 0;
    slope_ = near.seconds / size(near);
  }

  [[nodiscard]] double at(Bytes size) const {
    return fixed_ + slope_ * static_cast<double>(size.count());
  }

 private:
  double slope_ = 0, fixed_ = 0;
};

double distance(double a, double b) { return std::abs(std::log(a / b)); }

}  // namespace

LawChange find_law_change(FunctionRef<double(Bytes)> seconds, const ChangeBetween& between) {
  TERRACE_CHECK(between.smallest < between.small && between.small < between.large &&
                between.large < between.largest && between.step > Bytes{});
  LawChange found;
  const auto time = [&](Bytes size) {
    return found.tried.emplace_back(TimedSize{size, seconds(size)});
  };
  const TimedSize smallest = time(between.smallest);
  const TimedSize small = time(between.small);
  const TimedSize large = time(between.large);
  const TimedSize largest = time(between.largest);
  const Line below(small, smallest);
  const Line above(large, largest);
  const std::int64_t step = between.step.count();
  std::int64_t low = between.small.count() / step;   // of the small law
  std::int64_t high = between.large.count() / step;  // of the large one
  const Bytes middle{(low + high) / 2 * step};
  if (distance(below.at(middle), above.at(middle)) < std::log(kSame)) return found;
  while (high - low > 1) {
    const TimedSize here = time(Bytes{(low + high) / 2 * step});
    const bool is_small =
        distance(here.seconds, below.at(here.size)) < distance(here.seconds, above.at(here.size));
    (is_small ? low : high) = (low + high) / 2;
  }
  found.at = Bytes{high * step};
  return found;
}

}  // namespace terrace::calibrate
